import { listenerTls } from "../../policy/rules/listener-tls";
import { later, ref, resource } from "./stacks";
import { type Row, table } from "./table";

const balancer = resource("aws:lb/loadBalancer:LoadBalancer");
const listener = (name: string, inputs: object) =>
  resource("aws:lb/listener:Listener")(name, {
    loadBalancerArn: ref("alb"),
    defaultActions: [{ type: "forward" }],
    ...inputs,
  });
const MODERN = "ELBSecurityPolicy-TLS13-1-2-2021-06";
const https = (sslPolicy: unknown = MODERN) =>
  listener("https", { protocol: "HTTPS", certificateArn: ref("certificate"), sslPolicy });

const rows: Row[] = [
  { name: "HTTPS, modern", stack: [balancer("alb"), https()] },
  { name: "TLS, modern", stack: [listener("tls", { protocol: "TLS", sslPolicy: MODERN })] },
  { name: "HTTPS by default", stack: [listener("https", { protocol: "HTTPS" })], fail: ["https"] },
  { name: "HTTPS with TLS 1.0", stack: [https("ELBSecurityPolicy-2016-08")], fail: ["https"] },
  {
    name: "HTTPS with TLS 1.1",
    stack: [https("ELBSecurityPolicy-TLS13-1-1-2021-06")],
    fail: ["https"],
  },
  { name: "policy not known yet", stack: [https(later(MODERN, "other"))] },
  {
    name: "protocol not known yet",
    stack: [listener("plain", { protocol: later("HTTP", "other") })],
  },
  { name: "HTTP without any certificate", stack: [listener("http", { protocol: "HTTP" })] },
  {
    name: "HTTP with a certificate",
    stack: [listener("http", { protocol: "HTTP", certificateArn: ref("certificate") })],
    fail: ["http"],
  },
  {
    name: "HTTP beside HTTPS",
    stack: [balancer("alb"), https(), listener("http", { protocol: "HTTP" })],
    fail: ["http"],
  },
  {
    name: "HTTP that redirects to HTTPS",
    stack: [
      balancer("alb"),
      https(),
      listener("http", { protocol: "HTTP", defaultActions: [{ type: "redirect" }] }),
    ],
  },
  {
    name: "HTTP of another load balancer",
    stack: [
      balancer("alb"),
      balancer("other"),
      https(),
      listener("http", { protocol: "HTTP", loadBalancerArn: ref("other") }),
    ],
  },
];

describe("listener-tls", () => table([listenerTls], rows));
