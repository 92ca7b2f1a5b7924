import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ComputedOutputs, Evaluation } from "../offline/engine";
import { checkPolicies } from "../offline/policies";
import { evaluateProgram } from "../offline/program";
import { readPackConfig, readStackConfig, StackConfig } from "../offline/project";
import { tree } from "../offline/report";
import { policies } from "../policy/policies";
import { Built } from "./support/build";

const ROOT = join(__dirname, "..");
const STACKS = ["dev", "prod"];

const evaluated = new Map<string, Promise<Evaluation>>();
/** The whole program with a stack's config, evaluated once in each form. */
function evaluation(config: StackConfig, computed: ComputedOutputs): Promise<Evaluation> {
  const key = JSON.stringify([config, computed]);
  const known = evaluated.get(key) ?? evaluateProgram(ROOT, config, computed);
  evaluated.set(key, known);
  return known;
}
async function program(stack: string, computed: ComputedOutputs = "made-up"): Promise<Built> {
  return new Built((await evaluation(readStackConfig(ROOT, stack), computed)).resources);
}

for (const stack of STACKS) {
  describe(`the program for ${stack}`, () => {
    for (const computed of ["unknown", "made-up"] as const) {
      it(`passes every policy, mandatory and advisory, with outputs ${computed}`, async () => {
        const { resources } = await program(stack, computed);
        const config = readPackConfig(ROOT, stack);
        assert.deepEqual(await checkPolicies(policies, resources, config), []);
      });
    }

    it("makes the resources that its golden list names", async () => {
      const file = join(__dirname, "golden", `${stack}.txt`);
      const list = tree((await program(stack, "unknown")).resources).join("\n") + "\n";
      if (process.env.UPDATE_GOLDEN) writeFileSync(file, list);
      assert.equal(
        list,
        readFileSync(file, "utf8"),
        'the resources changed: look, then run "npm run test:update"',
      );
    });

    it("tells clients how to connect, with artifacts that pass the API by", async () => {
      const { outputs } = await evaluation(readStackConfig(ROOT, stack), "made-up");
      assert.deepEqual(outputs.connection, {
        MLFLOW_TRACKING_URI: `${stack}-api-http-apiEndpoint`,
        MLFLOW_TRACKING_AUTH: "mlops-sigv4",
        MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: "true",
        MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD: "true",
        MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: "1",
      });
    });

    it("keeps every child in a component, and every component under the stack", async () => {
      const { resources } = await program(stack);
      const root = resources.find(({ type }) => type === "pulumi:pulumi:Stack")!;
      for (const { parent, type, name } of resources) {
        const loose = parent === root.urn && !type.startsWith("mlops:index:");
        assert.ok(!loose || type === "pulumi:providers:aws", `${type} ${name} has no component`);
      }
    });

    it("is reached through the proxy, never at MLflow's own port", async () => {
      const built = await program(stack);
      const definitions = built.json(`${stack}-mlflow-task-definition`, "containerDefinitions");
      const shown = definitions.flatMap(
        (definition: { name: string; portMappings?: { containerPort: number }[] }) =>
          (definition.portMappings ?? []).map((mapping) => [
            definition.name,
            mapping.containerPort,
          ]),
      );
      assert.deepEqual(shown, [["nginx", 8080]]);
      const service = built.inputs(`${stack}-mlflow-service`);
      const registered = service.loadBalancers?.[0] ?? service.serviceRegistries;
      assert.deepEqual([registered.containerName, registered.containerPort], ["nginx", 8080]);
      for (const { inputs } of built.ofType("TargetGroup")) assert.equal(inputs.port, 8080);
    });

    it("is healthy only when MLflow is: the proxy passes its health check on", async () => {
      const template = readFileSync(join(ROOT, "containers/nginx/nginx.conf.template"), "utf8");
      const health = /location = \/health \{[^}]*\}/.exec(template)?.[0] ?? "";
      assert.match(health, /proxy_pass http:\/\/mlflow/);
      assert.doesNotMatch(health, /return 200/);
      const built = await program(stack);
      for (const { name } of built.ofType("TargetGroup")) {
        assert.equal(built.inputs(name).healthCheck.path, "/health");
      }
    });

    it("lets nobody call the API without a signature", async () => {
      const routes = (await program(stack)).ofType("apigatewayv2/route:Route");
      assert.ok(routes.length > 0);
      for (const { inputs, name } of routes) {
        assert.equal(inputs.authorizationType, "AWS_IAM", name);
      }
    });

    it("keeps the database's password out of every plain input", async () => {
      const built = await program(stack);
      for (const { inputs, name } of built.ofType("Cluster")) {
        assert.ok(!("masterPassword" in inputs), name);
      }
      const definitions = built.json(`${stack}-mlflow-task-definition`, "containerDefinitions");
      for (const { environment } of definitions) {
        for (const variable of environment) assert.doesNotMatch(variable.name, /PASSWORD|PWD/i);
      }
    });

    it("has the database in the VPC of its client", async () => {
      const built = await program(stack, "unknown");
      const vpc = built.get(`${stack}-mlops-vpc`).urn;
      const dependsOn = (name: string, property: string, type = "") =>
        built.get(name, type).propertyDependencies[property];
      assert.deepEqual(dependsOn(`${stack}-database`, "subnetIds", "SubnetGroup"), [vpc]);
      assert.deepEqual(dependsOn(`${stack}-database-sg`, "vpcId"), [vpc]);
      assert.deepEqual(dependsOn(`${stack}-mlflow-sg`, "vpcId"), [vpc]);
      assert.ok(dependsOn(`${stack}-mlflow-service`, "networkConfiguration")?.includes(vpc));
    });

    it("asks for as many tasks as autoscaling keeps", async () => {
      const built = await program(stack);
      assert.equal(
        built.inputs(`${stack}-mlflow-service`).desiredCount,
        built.inputs(`${stack}-mlflow-scaling`).minCapacity,
      );
    });

    it("grants rights on named resources only", async () => {
      const built = await program(stack);
      const roles = built.ofType("RolePolicy");
      assert.ok(roles.length > 0);
      const wide = roles.flatMap((role) =>
        (
          JSON.parse(String(role.inputs.policy)) as {
            Statement: { Effect: string; Action: string | string[]; Resource: string | string[] }[];
          }
        ).Statement.flatMap(({ Effect, Action, Resource }) => [
          ...(Effect === "Allow" ? [Action].flat().filter((action) => action.includes("*")) : []),
          ...([Resource].flat().includes("*") ? [String(Action)] : []),
        ]),
      );
      assert.deepEqual(
        [...new Set(wide)].sort(),
        {
          dev: ["cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"],
          prod: [
            "cloudwatch:PutMetricData",
            "ec2:DescribeDhcpOptions,ec2:DescribeNetworkInterfaces,ec2:DescribeSecurityGroups,ec2:DescribeSubnets,ec2:DescribeVpcs",
            "ecr:GetAuthorizationToken",
          ],
        }[stack],
      );
    });

    it("gives the VPC link a security group of its own", async () => {
      const [link] = (await program(stack)).ofType("VpcLink");
      assert.deepEqual(link?.inputs.securityGroupIds, [`${stack}-api-link-sg-id`]);
    });

    it("opens one chain of ports, from the VPC link to the database", async () => {
      const rules = (await program(stack)).ofType("SecurityGroupIngressRule");
      const chain = rules.map(({ inputs }) =>
        [inputs.referencedSecurityGroupId ?? inputs.cidrIpv4, inputs.securityGroupId, inputs.toPort]
          .map(String)
          .map((id) => id.replace(/-id$/, "").replace(`${stack}-`, ""))
          .join(" > "),
      );
      const expected = {
        dev: [
          "10.0.0.0/16 > mlops-endpoints-sg > 443",
          "api-link-sg > mlflow-sg > 8080",
          "mlflow-sg > database-sg > 3306",
        ],
        prod: [
          "10.2.0.0/16 > mlops-endpoints-sg > 443",
          "api-link-sg > mlflow-alb-sg > 80",
          "mlflow-alb-sg > mlflow-sg > 8080",
          "mlflow-sg > database-sg > 3306",
        ],
      }[stack];
      assert.deepEqual(chain.sort(), expected);
    });

    it("has no NAT gateway, no public subnet in use and no public address", async () => {
      const built = await program(stack);
      for (const { inputs } of built.ofType("awsx:ec2:Vpc")) {
        assert.deepEqual(inputs.natGateways, { strategy: "None" });
        const specs = inputs.subnetSpecs as { type: string }[];
        assert.ok(specs.every(({ type }) => type !== "Public"));
      }
      const { networkConfiguration } = built.inputs(`${stack}-mlflow-service`);
      assert.equal(networkConfiguration.assignPublicIp, false);
      for (const type of ["Eip", "NatGateway", "InternetGateway"]) {
        assert.deepEqual(built.ofType(`:${type}`), []);
      }
    });
  });
}

describe("the program with everything switched on", () => {
  const IMAGE = `210987654321.dkr.ecr.us-east-1.amazonaws.com/scorer@sha256:${"0".repeat(64)}`;
  const models = {
    diabetes: {
      artifactLocation: "mlflow-artifacts:/1/models/m-0a1b/artifacts",
      version: "3",
      serving: "realtime",
      capturePercent: 10,
    },
    iris: { folder: "containers/r-model", serving: "serverless" },
    scorer: { image: IMAGE, serving: "realtime", instanceType: "ml.g5.xlarge", rollout: "linear" },
  };
  const prod = readStackConfig(ROOT, "prod");
  const stack = {
    ...prod,
    config: {
      ...prod.config,
      "mlops:models": JSON.stringify(models),
      "mlops:privateLink": "true",
      "mlops:workbenchUsers": '["ana", "bo"]',
      "mlops:tokenIssuer": "https://login.example.com/",
      "mlops:tokenAudiences": '["mlflow"]',
      "mlops:apiManagedPolicies": "true",
    },
  };

  for (const computed of ["unknown", "made-up"] as const) {
    it(`passes every policy, mandatory and advisory, with outputs ${computed}`, async () => {
      const { resources } = await evaluation(stack, computed);
      assert.deepEqual(await checkPolicies(policies, resources, readPackConfig(ROOT, "prod")), []);
    });
  }

  it("tells which endpoint serves which model", async () => {
    const { outputs } = await evaluation(stack, "made-up");
    assert.deepEqual(outputs.endpoints, {
      diabetes: "prod-model-diabetes",
      iris: "prod-model-iris-serverless",
      scorer: "prod-model-scorer",
    });
  });

  it("leads notebooks to MLflow by a name that its proxy answers to, unsigned", async () => {
    const { resources, outputs } = await evaluation(stack, "made-up");
    const built = new Built(resources);
    const hostname = "mlflow.prod.internal";
    assert.equal(built.inputs("prod-link-zone").name, hostname);
    const [, , nginx] = built.json("prod-mlflow-task-definition", "containerDefinitions") as {
      environment: { name: string; value: string }[];
    }[];
    const hosts = nginx!.environment.find(({ name }) => name === "ALLOWED_HOSTS")!.value.split(" ");
    assert.ok(hosts.includes(hostname), hosts.join());
    const connection = outputs.privateConnection as Record<string, string>;
    assert.equal(connection.MLFLOW_TRACKING_URI, `http://${hostname}`);
    assert.equal(connection.MLFLOW_TRACKING_AUTH, undefined);
    const startup = built.inputs("prod-workbench-startup").studioLifecycleConfigContent as string;
    const script = Buffer.from(startup, "base64").toString();
    for (const [name, value] of Object.entries(connection)) {
      assert.ok(script.includes(name) && script.includes(value), name);
    }
  });

  it("has the interface endpoints in the SageMaker VPC that Studio needs, and none without it", async () => {
    const services = async (config: Record<string, string>) => {
      const { resources } = await evaluation({ ...prod, config }, "made-up");
      return new Built(resources)
        .ofType("vpcEndpoint:VpcEndpoint")
        .filter(({ inputs }) => inputs.vpcId === "prod-sagemaker-vpc-vpcId")
        .map(({ name }) => name)
        .sort();
    };
    assert.deepEqual(await services(prod.config), ["prod-sagemaker-s3"]);
    assert.deepEqual(await services(stack.config), [
      "prod-link-endpoint",
      "prod-sagemaker-logs",
      "prod-sagemaker-s3",
      "prod-sagemaker-sagemaker-api",
      "prod-sagemaker-sagemaker-runtime",
      "prod-sagemaker-sts",
    ]);
  });
});

describe("the stacks together", () => {
  it("give every VPC a block of its own", async () => {
    const blocks = await Promise.all(
      STACKS.map(async (stack) =>
        (await program(stack)).ofType("awsx:ec2:Vpc").map(({ inputs }) => inputs.cidrBlock),
      ),
    );
    assert.equal(new Set(blocks.flat()).size, 4);
  });

  it("refuse an engine that AWS creates no more, once its day has come", async () => {
    const { SettingsError, readSettings } = await import("../components/settings");
    for (const stack of STACKS) {
      await program(stack);
      assert.throws(() => readSettings(stack, new Date("2100-01-01")), SettingsError);
    }
  });
});

describe("the SDK", () => {
  it("is loaded once: every package from one folder", async () => {
    await program("dev");
    const folders = new Map<string, Set<string>>();
    for (const file of Object.keys(require.cache)) {
      const match = /^(.*\/node_modules\/(@pulumi\/[a-z-]+))\/index\.js$/.exec(file);
      if (!match) continue;
      folders.set(match[2]!, (folders.get(match[2]!) ?? new Set()).add(match[1]!));
    }
    assert.ok(folders.has("@pulumi/pulumi") && folders.has("@pulumi/aws"));
    for (const [name, places] of folders) assert.equal(places.size, 1, `${name} is loaded twice`);
  });
});
