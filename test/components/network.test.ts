import assert from "node:assert/strict";
import { Network, NetworkArgs } from "../../components/network";
import { assertWellFormed, build } from "../support/build";

const args: NetworkArgs = {
  cidrBlock: "10.0.0.0/16",
  zones: ["us-east-1a", "us-east-1b"],
  region: "us-east-1",
  accountId: "123456789012",
  egress: "endpoints",
  egressZoneCount: 2,
  interfaceEndpoints: ["ecr.api", "ecr.dkr", "logs", "secretsmanager"],
  bucketArns: ["arn:aws:s3:::artifacts"],
  databaseSubnets: true,
};
const network = (changes: Partial<NetworkArgs> = {}) =>
  build(() => new Network("net", { ...args, ...changes }));

describe("Network", () => {
  it("is well formed", () =>
    assertWellFormed("mlops:index:Network", (name) => new Network(name, args)));

  it("has private and database subnets, no public ones and no NAT gateway by default", async () => {
    const vpc = (await network()).inputs("net-vpc", "awsx:ec2:Vpc");
    assert.deepEqual(vpc.availabilityZoneNames, ["us-east-1a", "us-east-1b"]);
    assert.equal(vpc.cidrBlock, "10.0.0.0/16");
    assert.deepEqual(vpc.natGateways, { strategy: "None" });
    assert.deepEqual(
      vpc.subnetSpecs.map((spec: { type: string }) => spec.type),
      ["Private", "Isolated"],
    );
    assert.equal(vpc.enableDnsHostnames, true);
    assert.equal(vpc.enableDnsSupport, true);
  });

  it("leaves every subnet where it is when NAT brings public subnets", async () => {
    const without = (await network()).inputs("net-vpc").subnetSpecs;
    const vpc = (await network({ egress: "nat" })).inputs("net-vpc");
    assert.deepEqual(vpc.subnetSpecs.slice(0, 2), without);
    assert.equal(vpc.subnetSpecs[2].type, "Public");
    assert.equal(vpc.availabilityZoneCidrMask, 18);
    assert.equal(vpc.subnetSpecs[0].cidrMask, 20);
  });

  it("has one NAT gateway, or one for each zone", async () => {
    const strategy = async (egressZoneCount: number) =>
      (await network({ egress: "nat", egressZoneCount })).inputs("net-vpc").natGateways.strategy;
    assert.equal(await strategy(1), "Single");
    assert.equal(await strategy(2), "OnePerAz");
  });

  it("makes an interface endpoint with private DNS for each service, in as many zones as asked", async () => {
    const built = await network({ egressZoneCount: 1 });
    const endpoints = built
      .ofType("VpcEndpoint")
      .filter((endpoint) => endpoint.inputs.vpcEndpointType === "Interface");
    assert.deepEqual(endpoints.map((endpoint) => endpoint.inputs.serviceName).sort(), [
      "com.amazonaws.us-east-1.ecr.api",
      "com.amazonaws.us-east-1.ecr.dkr",
      "com.amazonaws.us-east-1.logs",
      "com.amazonaws.us-east-1.secretsmanager",
    ]);
    for (const { inputs } of endpoints) {
      assert.equal(inputs.privateDnsEnabled, true);
      assert.deepEqual(inputs.subnetIds, ["net-vpc-private-1"]);
      assert.deepEqual(inputs.securityGroupIds, ["net-endpoints-sg-id"]);
    }
  });

  it("lets the endpoints serve this account only, each its own service", async () => {
    const [statement] = (await network()).json("net-ecr-api", "policy").Statement;
    assert.equal(statement.Action, "ecr:*");
    assert.deepEqual(statement.Condition, {
      StringEquals: { "aws:PrincipalAccount": "123456789012" },
    });
  });

  it("admits the VPC to the endpoints, on HTTPS, and nobody else", async () => {
    const rules = (await network()).ofType("SecurityGroupIngressRule");
    assert.deepEqual(
      rules.map(({ inputs }) => [
        inputs.securityGroupId,
        inputs.cidrIpv4,
        inputs.ipProtocol,
        inputs.fromPort,
        inputs.toPort,
      ]),
      [["net-endpoints-sg-id", "10.0.0.0/16", "tcp", 443, 443]],
    );
  });

  it("has no interface endpoint behind NAT, but the free one for S3", async () => {
    const built = await network({ egress: "nat" });
    assert.deepEqual(
      built.ofType("VpcEndpoint").map((endpoint) => endpoint.inputs.vpcEndpointType),
      ["Gateway"],
    );
    assert.deepEqual(built.ofType("SecurityGroupIngressRule"), []);
  });

  it("lets the S3 endpoint through to the given buckets and to image layers only", async () => {
    const { Statement } = (await network()).json("net-s3", "policy");
    assert.deepEqual(Statement[0].Resource, ["arn:aws:s3:::artifacts", "arn:aws:s3:::artifacts/*"]);
    assert.ok(!Statement[0].Action.includes("s3:*"));
    assert.equal(Statement[1].Action, "s3:GetObject");
    assert.equal(Statement[1].Resource, "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*");
    assert.equal(Statement.length, 2);
  });

  it("closes the default security group", async () => {
    const group = (await network()).inputs("net-default-sg");
    assert.deepEqual([group.ingress, group.egress], [[], []]);
  });

  const refusals: [string, Partial<NetworkArgs>, RegExp][] = [
    ["one zone", { zones: ["us-east-1a"] }, /^Error: zones: .*1 given/],
    ["more egress zones than zones", { egressZoneCount: 3 }, /egressZoneCount: 3 given.*1, 2/],
    [
      "NAT in some zones",
      { zones: ["a", "b", "c"], egress: "nat", egressZoneCount: 2 },
      /egressZoneCount: 2 given.*1, 3/,
    ],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, () => assert.rejects(network(changes), message));
  }
});
