import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { TrackingServer, TrackingServerArgs } from "../../components/tracking-server";
import { workersFor } from "../../components/tracking-task";
import { assertWellFormed, build, Built } from "../support/build";

const KEY = "arn:aws:kms:us-east-1:123456789012:key/1";
const BUCKET = "arn:aws:s3:::artifacts";
const SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-1";

const args = (changes: Partial<TrackingServerArgs> = {}): TrackingServerArgs => ({
  network: {
    vpcId: pulumi.output("vpc-1"),
    privateSubnetIds: pulumi.output(["subnet-1", "subnet-2"]),
    endpointSecurityGroupId: pulumi.output("sg-endpoints"),
    s3PrefixListId: pulumi.output("pl-s3"),
  },
  region: "us-east-1",
  accountId: "123456789012",
  ingress: "alb",
  mlflowImage: { reference: "mlflow@sha256:1", repositoryArn: "arn:aws:ecr:::mlflow" },
  nginxImage: { reference: "nginx@sha256:2", repositoryArn: "arn:aws:ecr:::nginx" },
  database: {
    host: pulumi.output("db.internal"),
    port: 3306,
    databaseName: "mlflow",
    secretArn: pulumi.output(SECRET),
    securityGroupId: pulumi.output("sg-database"),
    pauses: false,
  },
  artifacts: { bucketName: "artifacts", bucketArn: BUCKET },
  kmsKeyArn: KEY,
  cpu: 1024,
  memory: 2048,
  cpuArchitecture: "ARM64",
  minTasks: 2,
  maxTasks: 6,
  spotPercent: 0,
  cpuTargetPercent: 70,
  requestsPerTaskTarget: 3000,
  containerInsights: true,
  logRetentionDays: 90,
  protect: true,
  forceDestroy: false,
  ...changes,
});
const server = (changes: Partial<TrackingServerArgs> = {}) =>
  build(() => new TrackingServer("srv", args(changes)));

interface Container {
  name: string;
  [property: string]: unknown;
}
const containers = (built: Built) =>
  built.json("srv-task-definition", "containerDefinitions") as Container[];
const container = (built: Built, name: string) =>
  containers(built).find((candidate) => candidate.name === name)!;
const variables = (built: Built, name: string) =>
  Object.fromEntries(
    (container(built, name).environment as { name: string; value: string }[]).map((variable) => [
      variable.name,
      variable.value,
    ]),
  );
const statements = (built: Built, role: string) =>
  built.json(`srv-task-${role}-policy`, "policy").Statement as {
    Sid: string;
    Effect: string;
    Action: string | string[];
    Resource: string | string[];
    Condition?: unknown;
  }[];
/** Every connection that the rules of one side allow: from, to, port. */
const traffic = (built: Built, type: string) =>
  built
    .ofType(type)
    .map(({ inputs }) => {
      const other = inputs.referencedSecurityGroupId ?? inputs.prefixListId ?? inputs.cidrIpv4;
      assert.equal(inputs.fromPort, inputs.toPort);
      assert.equal(inputs.ipProtocol, "tcp");
      return `${String(inputs.securityGroupId)} ${String(other)} ${String(inputs.fromPort)}`;
    })
    .sort();

describe("TrackingServer", () => {
  for (const ingress of ["alb", "cloud-map"] as const) {
    it(`is well formed behind ${ingress}`, () =>
      assertWellFormed(
        "mlops:index:TrackingServer",
        (name) => new TrackingServer(name, args({ ingress })),
      ));
  }

  describe("its task", () => {
    it("migrates the schema, then starts MLflow, then shows the proxy", async () => {
      const built = await server();
      assert.deepEqual(
        containers(built).map(({ name, essential }) => [name, essential]),
        [
          ["migrate", false],
          ["mlflow", true],
          ["nginx", true],
        ],
      );
      assert.deepEqual(container(built, "mlflow").dependsOn, [
        { containerName: "migrate", condition: "SUCCESS" },
      ]);
      assert.deepEqual(container(built, "nginx").dependsOn, [
        { containerName: "mlflow", condition: "HEALTHY" },
      ]);
    });

    it("gives a migration all the time it takes", async () => {
      const { startTimeout, stopTimeout, healthCheck } = container(await server(), "migrate");
      assert.deepEqual([startTimeout, stopTimeout, healthCheck], [undefined, 120, undefined]);
    });

    it("shows the proxy's port and no other", async () => {
      const built = await server();
      assert.equal(container(built, "migrate").portMappings, undefined);
      assert.equal(container(built, "mlflow").portMappings, undefined);
      assert.deepEqual(container(built, "nginx").portMappings, [
        { containerPort: 8080, protocol: "tcp" },
      ]);
    });

    it("runs nothing as root, writes to no image, and holds no capability", async () => {
      for (const definition of containers(await server())) {
        assert.match(String(definition.user), /^[1-9]\d*:[1-9]\d*$/);
        assert.equal(definition.readonlyRootFilesystem, true);
        assert.equal(definition.privileged, false);
        assert.deepEqual(definition.linuxParameters, {
          initProcessEnabled: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    });

    it("gives each container volumes of its own to write to", async () => {
      const built = await server();
      const mounts = containers(built).flatMap(
        (definition) => definition.mountPoints as { sourceVolume: string }[],
      );
      const mounted = mounts.map((mount) => mount.sourceVolume);
      assert.equal(new Set(mounted).size, mounted.length, "a volume is shared");
      const volumes = built.inputs("srv-task-definition").volumes as { name: string }[];
      assert.deepEqual(volumes.map((volume) => volume.name).sort(), [...mounted].sort());
    });

    it("knows the database's secret by name only, and injects none", async () => {
      const built = await server();
      for (const definition of containers(built)) {
        assert.equal(definition.secrets, undefined);
        assert.ok(!/password/i.test(JSON.stringify(definition.environment)));
      }
      assert.deepEqual(variables(built, "mlflow"), {
        AWS_REGION: "us-east-1",
        DATABASE_HOST: "db.internal",
        DATABASE_PORT: "3306",
        DATABASE_NAME: "mlflow",
        DATABASE_SECRET_ARN: SECRET,
        MLFLOW_ARTIFACTS_DESTINATION: "s3://artifacts",
        MLFLOW_WORKERS: "2",
      });
      assert.deepEqual(variables(built, "migrate"), variables(built, "mlflow"));
    });

    it("holds no connection open on a database that pauses", async () => {
      const database = { ...args().database, pauses: true };
      const built = await server({ database });
      assert.equal(variables(built, "mlflow").MLFLOW_SQLALCHEMYSTORE_POOLCLASS, "NullPool");
    });

    it("answers to the API's and the load balancer's names", async () => {
      assert.equal(
        variables(await server(), "nginx").ALLOWED_HOSTS,
        "*.execute-api.us-east-1.amazonaws.com *.us-east-1.elb.amazonaws.com",
      );
    });

    it("runs the images by digest, on the processor they are built for", async () => {
      const built = await server();
      assert.equal(container(built, "mlflow").image, "mlflow@sha256:1");
      assert.equal(container(built, "nginx").image, "nginx@sha256:2");
      const definition = built.inputs("srv-task-definition");
      assert.equal(definition.runtimePlatform.cpuArchitecture, "ARM64");
      assert.deepEqual([definition.cpu, definition.memory], ["1024", "2048"]);
      assert.equal(definition.networkMode, "awsvpc");
    });

    it("logs to groups with a retention and the key", async () => {
      const built = await server();
      for (const log of ["mlflow", "nginx"]) {
        const group = built.inputs(`srv-task-${log}-log`);
        assert.deepEqual([group.retentionInDays, group.kmsKeyId], [90, KEY]);
      }
      const { options } = container(built, "nginx").logConfiguration as {
        options: Record<string, string>;
      };
      assert.equal(options["awslogs-group"], "srv-task-nginx-log-name");
    });

    it("has a worker for each half vCPU, and always one", () => {
      assert.deepEqual([256, 512, 1024, 2048, 4096].map(workersFor), [1, 1, 2, 4, 8]);
    });
  });

  describe("its roles", () => {
    it("can be taken by ECS on behalf of this account only", async () => {
      const built = await server();
      for (const role of ["execution", "task"]) {
        const [statement] = built.json(`srv-task-${role}-role`, "assumeRolePolicy").Statement;
        assert.deepEqual(statement.Principal, { Service: "ecs-tasks.amazonaws.com" });
        assert.deepEqual(statement.Condition, {
          StringEquals: { "aws:SourceAccount": "123456789012" },
        });
      }
    });

    it("let the agent pull these images and write these logs", async () => {
      const granted = statements(await server(), "execution");
      assert.deepEqual(
        granted.map(({ Sid, Resource }) => [Sid, Resource]),
        [
          ["RegistryLogin", "*"],
          ["PullTheseImages", ["arn:aws:ecr:::mlflow", "arn:aws:ecr:::nginx"]],
          [
            "WriteTheseLogs",
            [
              "arn:aws:cloudwatch:us-east-1:123456789012:srv-task-mlflow-log:*",
              "arn:aws:cloudwatch:us-east-1:123456789012:srv-task-nginx-log:*",
            ],
          ],
        ],
      );
      assert.equal(granted[0]!.Action, "ecr:GetAuthorizationToken");
    });

    it("let the task use this bucket, this key and this secret", async () => {
      const granted = statements(await server(), "task");
      assert.deepEqual(
        granted.map(({ Sid, Resource }) => [Sid, Resource]),
        [
          ["ListArtifacts", BUCKET],
          ["Artifacts", `${BUCKET}/*`],
          ["NotCapturedRequests", `${BUCKET}/data-capture/*`],
          ["ArtifactKey", KEY],
          ["DatabasePassword", SECRET],
          ["DatabasePasswordKey", KEY],
        ],
      );
      const isDenied = ({ Effect }: { Effect: string }) => Effect === "Deny";
      assert.deepEqual(
        granted.filter(isDenied).map(({ Sid }) => Sid),
        ["NotCapturedRequests"],
      );
      const allowed = granted.filter((statement) => !isDenied(statement));
      const actions = allowed.flatMap(({ Action }) => Action);
      assert.ok(actions.every((action) => !action.includes("*")));
      for (const statement of granted.filter(({ Resource }) => Resource === KEY)) {
        assert.ok(statement.Condition, `${statement.Sid} has no condition`);
      }
    });
  });

  describe("its service", () => {
    it("starts with the tasks that autoscaling keeps at least", async () => {
      const built = await server();
      const service = built.get("srv-service");
      assert.equal(service.inputs.desiredCount, 2);
      assert.deepEqual(service.ignoreChanges, ["desiredCount"]);
      const scaling = built.inputs("srv-scaling");
      assert.deepEqual([scaling.minCapacity, scaling.maxCapacity], [2, 6]);
      assert.equal(scaling.resourceId, "service/srv-cluster-name/srv-service-name");
    });

    it("stands on private subnets, without a public address, spread over zones", async () => {
      const service = (await server()).inputs("srv-service");
      assert.deepEqual(service.networkConfiguration, {
        subnets: ["subnet-1", "subnet-2"],
        securityGroups: ["srv-sg-id"],
        assignPublicIp: false,
      });
      assert.equal(service.availabilityZoneRebalancing, "ENABLED");
      assert.equal(service.enableExecuteCommand, false);
    });

    it("rolls a failed deployment back, and tells", async () => {
      const service = (await server()).inputs("srv-service");
      assert.deepEqual(service.deploymentCircuitBreaker, { enable: true, rollback: true });
      assert.equal(service.deploymentMinimumHealthyPercent, 100);
      assert.equal(service.waitForSteadyState, true);
    });

    for (const [spotPercent, strategies] of [
      [0, [{ capacityProvider: "FARGATE", weight: 100 }]],
      [100, [{ capacityProvider: "FARGATE_SPOT", weight: 100 }]],
      [
        40,
        [
          { capacityProvider: "FARGATE", weight: 60 },
          { capacityProvider: "FARGATE_SPOT", weight: 40 },
        ],
      ],
    ] as const) {
      it(`puts ${spotPercent} % of the tasks on Spot`, async () => {
        const service = (await server({ spotPercent })).inputs("srv-service");
        assert.deepEqual(service.capacityProviderStrategies, strategies);
      });
    }

    it("scales on CPU and, where a load balancer counts them, on requests", async () => {
      const policy = (built: Built, metric: string) =>
        built.inputs(`srv-scale-on-${metric}`).targetTrackingScalingPolicyConfiguration;
      const behindAlb = await server();
      assert.equal(policy(behindAlb, "cpu").targetValue, 70);
      assert.equal(policy(behindAlb, "requests").targetValue, 3000);
      assert.equal(
        policy(behindAlb, "requests").predefinedMetricSpecification.resourceLabel,
        "srv-alb-arnSuffix/srv-alb-tg-arnSuffix",
      );
      const behindCloudMap = await server({ ingress: "cloud-map" });
      assert.deepEqual(
        behindCloudMap.ofType("appautoscaling/policy:Policy").map((found) => found.name),
        ["srv-scale-on-cpu"],
      );
    });
  });

  describe("its traffic", () => {
    it("goes from the load balancer to the proxy to the database, and out to AWS", async () => {
      const built = await server();
      assert.deepEqual(traffic(built, "SecurityGroupIngressRule"), [
        "sg-database srv-sg-id 3306",
        "srv-sg-id srv-alb-sg-id 8080",
      ]);
      assert.deepEqual(traffic(built, "SecurityGroupEgressRule"), [
        "srv-alb-sg-id srv-sg-id 8080",
        "srv-sg-id pl-s3 443",
        "srv-sg-id sg-database 3306",
        "srv-sg-id sg-endpoints 443",
      ]);
    });

    it("needs HTTPS to anywhere only behind NAT", async () => {
      const network = { ...args().network, endpointSecurityGroupId: undefined };
      assert.deepEqual(traffic(await server({ network }), "SecurityGroupEgressRule"), [
        "srv-alb-sg-id srv-sg-id 8080",
        "srv-sg-id 0.0.0.0/0 443",
        "srv-sg-id sg-database 3306",
      ]);
    });
  });

  describe("behind a load balancer", () => {
    it("is reached at the proxy, and is healthy when MLflow is", async () => {
      const built = await server();
      const group = built.inputs("srv-alb-tg");
      assert.deepEqual([group.port, group.protocol, group.targetType], [8080, "HTTP", "ip"]);
      assert.equal(group.healthCheck.path, "/health");
      assert.equal(group.deregistrationDelay, 35);
      assert.deepEqual(built.inputs("srv-service").loadBalancers, [
        {
          containerName: "nginx",
          containerPort: 8080,
          targetGroupArn: "arn:aws:lb:us-east-1:123456789012:srv-alb-tg",
        },
      ]);
    });

    it("has an internal one, protected, that logs every request", async () => {
      const built = await server();
      const balancer = built.inputs("srv-alb", "loadBalancer:LoadBalancer");
      assert.equal(balancer.internal, true);
      assert.equal(balancer.enableDeletionProtection, true);
      assert.equal(balancer.dropInvalidHeaderFields, true);
      assert.deepEqual(balancer.securityGroups, ["srv-alb-sg-id"]);
      assert.deepEqual(balancer.accessLogs, {
        bucket: "srv-alb-logs-bucket-bucket",
        enabled: true,
      });
      const [, logs] = built.json("srv-alb-logs-policy", "policy").Statement;
      assert.deepEqual(logs.Principal, {
        Service: "logdelivery.elasticloadbalancing.amazonaws.com",
      });
      assert.match(logs.Resource, /\/AWSLogs\/123456789012\/\*$/);
      assert.ok(logs.Condition.ArnLike["aws:SourceArn"].includes("123456789012"));
    });
  });

  describe("behind Cloud Map", () => {
    it("registers the proxy's address and port, and needs no load balancer", async () => {
      const built = await server({ ingress: "cloud-map" });
      assert.deepEqual(built.ofType("LoadBalancer"), []);
      const discovery = built.inputs("srv-discovery");
      assert.equal(discovery.dnsConfig.dnsRecords[0].type, "SRV");
      assert.deepEqual(discovery.healthCheckCustomConfig, {});
      assert.equal(built.inputs("srv-namespace").vpc, "vpc-1");
      const service = built.inputs("srv-service");
      assert.equal(service.loadBalancers, undefined);
      assert.deepEqual(service.serviceRegistries, {
        registryArn: "arn:aws:servicediscovery:us-east-1:123456789012:srv-discovery",
        containerName: "nginx",
        containerPort: 8080,
      });
    });
  });

  const refusals: [string, Partial<TrackingServerArgs>, RegExp][] = [
    ["more tasks at least than at most", { minTasks: 7 }, /minTasks: 7 given/],
    ["no task at all", { minTasks: 0 }, /minTasks: 0 given/],
    ["a share of Spot above all", { spotPercent: 101 }, /spotPercent: 101 given/],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, () => assert.rejects(server(changes), message));
  }
});
