import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { LoadBalancer } from "../../components/load-balancer";
import { PrivateLink, PrivateLinkArgs } from "../../components/private-link";
import { assertWellFormed, build, Built } from "../support/build";

const network = (vpc: string) => ({
  vpcId: pulumi.output(`vpc-${vpc}`),
  privateSubnetIds: pulumi.output([`subnet-${vpc}-1`, `subnet-${vpc}-2`]),
  s3PrefixListId: pulumi.output("pl-s3"),
});
const args = (changes: Partial<PrivateLinkArgs> = {}): PrivateLinkArgs => ({
  hostname: "mlflow.test.internal",
  accountId: "123456789012",
  serverNetwork: network("server"),
  loadBalancer: {
    arn: "arn:alb",
    targetGroupArn: "arn:tasks",
    securityGroupId: "sg-alb",
  },
  healthCheckPath: "/health",
  clientNetwork: network("client"),
  clientCidrBlock: "10.1.0.0/16",
  endpointZoneCount: 2,
  protect: true,
  ...changes,
});

const link = (changes: Partial<PrivateLinkArgs> = {}) =>
  build(() => new PrivateLink("link", args(changes)));

/** Every connection that the rules allow: type, group, other side, ports. */
const rules = (built: Built) =>
  ["SecurityGroupIngressRule", "SecurityGroupEgressRule"].flatMap((type) =>
    built
      .ofType(type)
      .map(({ inputs }) =>
        [
          type.replace("SecurityGroup", "").replace("Rule", ""),
          inputs.securityGroupId,
          inputs.referencedSecurityGroupId ?? inputs.cidrIpv4,
          `${String(inputs.ipProtocol)} ${String(inputs.fromPort)}-${String(inputs.toPort)}`,
        ].join(" "),
      ),
  );

describe("PrivateLink", () => {
  it("is well formed", () =>
    assertWellFormed("mlops:index:PrivateLink", (name) => new PrivateLink(name, args())));

  it("admits the clients' network to port 80 of the endpoint, and nobody anywhere else", async () => {
    assert.deepEqual(rules(await link()), [
      "Ingress link-endpoint-sg-id 10.1.0.0/16 tcp 80-80",
      "Ingress sg-alb link-nlb-sg-id tcp 8080-8080",
      "Egress link-nlb-sg-id sg-alb tcp 8080-8080",
    ]);
  });

  it("makes each group in the network of what carries it", async () => {
    const built = await link();
    assert.equal(built.inputs("link-nlb-sg").vpcId, "vpc-server");
    assert.equal(built.inputs("link-endpoint-sg").vpcId, "vpc-client");
  });

  it("has a load balancer that only the endpoint reaches", async () => {
    const balancer = (await link()).inputs("link-nlb");
    assert.equal(balancer.internal, true);
    assert.equal(balancer.loadBalancerType, "network");
    assert.deepEqual(balancer.subnets, ["subnet-server-1", "subnet-server-2"]);
    assert.deepEqual(balancer.securityGroups, ["link-nlb-sg-id"]);
    assert.equal(balancer.enforceSecurityGroupInboundRulesOnPrivateLinkTraffic, "off");
    assert.equal(balancer.enableCrossZoneLoadBalancing, true);
  });

  it("protects the load balancer as told", async () => {
    const isProtected = async (protect: boolean) =>
      (await link({ protect })).inputs("link-nlb").enableDeletionProtection as boolean;
    assert.equal(await isProtected(true), true);
    assert.equal(await isProtected(false), false);
  });

  it("leads to the application load balancer, at a port that it listens on", async () => {
    const built = await link();
    const inner = built.inputs("link-http");
    assert.deepEqual(
      [inner.loadBalancerArn, inner.port, inner.protocol],
      ["arn:alb", 8080, "HTTP"],
    );
    assert.deepEqual(inner.defaultActions, [{ type: "forward", targetGroupArn: "arn:tasks" }]);

    const group = built.inputs("link-tg");
    assert.deepEqual(
      [group.vpcId, group.targetType, group.protocol, group.port],
      ["vpc-server", "alb", "TCP", 8080],
    );
    const outer = built.inputs("link-tcp");
    assert.deepEqual([outer.port, outer.protocol], [80, "TCP"]);
    assert.match(outer.loadBalancerArn, /link-nlb$/);
    assert.match(outer.defaultActions[0].targetGroupArn, /link-tg$/);

    const target = built.get("link-target");
    assert.deepEqual([target.inputs.targetId, target.inputs.port], ["arn:alb", 8080]);
    assert.ok(target.dependencies.includes(built.get("link-http").urn), "before it listens");
  });

  it("leaves the Host as it came, though the load balancer's port is not the URL's", async () => {
    const built = await build(() => {
      const loadBalancer = new LoadBalancer("alb", {
        vpcId: "vpc-server",
        subnetIds: ["subnet-server-1", "subnet-server-2"],
        targetPort: 8080,
        healthCheckPath: "/health",
        deregistrationDelay: 35,
        region: "us-east-1",
        accountId: "123456789012",
        logRetentionDays: 90,
        protect: true,
        forceDestroy: false,
      });
      new PrivateLink("link", args({ loadBalancer }));
    });
    const balancer = built.get("alb", "lb/loadBalancer:LoadBalancer");
    assert.equal(balancer.inputs.preserveHostHeader, true);
    const { loadBalancerArn } = built.get("link-http").propertyDependencies;
    assert.deepEqual(loadBalancerArn, [balancer.urn]);
  });

  it("is healthy only when the server is", async () => {
    const { protocol, path, port, matcher } = (await link()).inputs("link-tg").healthCheck;
    assert.deepEqual([protocol, path, port, matcher], ["HTTP", "/health", "traffic-port", "200"]);
  });

  it("lets nobody claim a caller's name", async () => {
    const rule = (await link()).inputs("link-no-caller");
    assert.match(rule.listenerArn, /link-http$/);
    assert.deepEqual(rule.conditions, [
      { httpHeader: { httpHeaderName: "x-caller-arn", values: ["*"] } },
    ]);
    const [{ type, fixedResponse }, ...more] = rule.actions;
    assert.deepEqual(more, []);
    assert.equal(type, "fixed-response");
    assert.equal(fixedResponse.statusCode, "403");
    assert.equal(JSON.parse(fixedResponse.messageBody).error_code, "PERMISSION_DENIED");
  });

  it("offers the service to this account only", async () => {
    const service = (await link()).inputs("link-service");
    assert.equal(service.acceptanceRequired, false);
    assert.deepEqual(service.allowedPrincipals, ["arn:aws:iam::123456789012:root"]);
    assert.equal(service.networkLoadBalancerArns.length, 1);
    assert.match(service.networkLoadBalancerArns[0], /link-nlb$/);
  });

  it("puts the endpoint into the clients' network, in as many zones as asked", async () => {
    const endpoint = async (endpointZoneCount: number) =>
      (await link({ endpointZoneCount })).inputs("link-endpoint");
    const inputs = await endpoint(1);
    assert.equal(inputs.vpcId, "vpc-client");
    assert.equal(inputs.vpcEndpointType, "Interface");
    assert.equal(inputs.serviceName, "link-service-serviceName");
    assert.deepEqual(inputs.securityGroupIds, ["link-endpoint-sg-id"]);
    assert.equal(inputs.privateDnsEnabled, false);
    assert.deepEqual(inputs.subnetIds, ["subnet-client-1"]);
    assert.deepEqual((await endpoint(2)).subnetIds, ["subnet-client-1", "subnet-client-2"]);
  });

  it("gives the endpoint a name that the clients' network alone resolves", async () => {
    const built = await link();
    const zone = built.inputs("link-zone");
    assert.equal(zone.name, "mlflow.test.internal");
    assert.deepEqual(zone.vpcs, [{ vpcId: "vpc-client" }]);
    const record = built.inputs("link-record");
    assert.deepEqual([record.name, record.type], ["mlflow.test.internal", "A"]);
    assert.equal(record.zoneId, "link-zone-zoneId");
    assert.deepEqual(record.aliases, [
      { name: "link-endpoint.vpce.amazonaws.com", zoneId: "Z1", evaluateTargetHealth: false },
    ]);
  });

  it("tells its URL once the name resolves, its port and the endpoint's group", async () => {
    let read!: (outputs: unknown) => void;
    const outputs = new Promise((resolve) => (read = resolve));
    await build(() => {
      const { url, port, securityGroupId } = new PrivateLink("link", args());
      pulumi.output({ url, port, securityGroupId }).apply(read);
    });
    assert.deepEqual(await outputs, {
      url: "http://mlflow.test.internal",
      port: 80,
      securityGroupId: "link-endpoint-sg-id",
    });
  });

  const refusals: [string, Partial<PrivateLinkArgs>, RegExp][] = [
    ["a URL for a name", { hostname: "http://mlflow.internal" }, /^Error: hostname: "http:.*DNS/],
    ["a name without a dot", { hostname: "mlflow" }, /hostname: "mlflow" given/],
    ["capitals", { hostname: "MLflow.internal" }, /hostname: "MLflow.internal" given/],
    ["an address", { hostname: "10.0.0.1" }, /hostname: "10.0.0.1" given/],
    ["a label of 64 characters", { hostname: `${"m".repeat(64)}.internal` }, /hostname: "m+/],
    ["no zone", { endpointZoneCount: 0 }, /^Error: endpointZoneCount: 0 given/],
    ["half a zone", { endpointZoneCount: 1.5 }, /endpointZoneCount: 1.5 given/],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, () => assert.rejects(link(changes), message));
  }
});
