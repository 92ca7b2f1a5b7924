import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { CAPTURE_FOLDER } from "./artifact-store";
import { DatabaseConnection } from "./database";
import { serviceRole } from "./service-role";
import { artifactKeyStatement, pullStatements } from "./shared-statements";

export interface TrackingTaskArgs {
  readonly region: string;
  readonly accountId: pulumi.Input<string>;
  /** CPU units of a task; 1024 is one vCPU. */
  readonly cpu: number;
  /** MiB of a task. */
  readonly memory: number;
  readonly cpuArchitecture: "ARM64" | "X86_64";
  readonly mlflowImage: TaskImage;
  readonly nginxImage: TaskImage;
  readonly database: DatabaseConnection;
  readonly artifacts: {
    readonly bucketName: pulumi.Input<string>;
    readonly bucketArn: pulumi.Input<string>;
  };
  /** KMS key of the artifacts, the database password and the logs. */
  readonly kmsKeyArn: pulumi.Input<string>;
  /** Host names that nginx answers to, as in its `server_name`. */
  readonly allowedHosts: pulumi.Input<string>[];
  readonly logRetentionDays: number;
}

/** An image and the repository that the task may pull it from. */
export interface TaskImage {
  readonly reference: pulumi.Input<string>;
  readonly repositoryArn: pulumi.Input<string>;
}

/** The proxy, and the one port that a task shows. */
export const PROXY = { containerName: "nginx", port: 8080, healthPath: "/health" } as const;

/** Seconds between SIGTERM and SIGKILL, longer than the 30 s that the API gives a request. */
const STOP_TIMEOUT = 60;

/** Ids that the images' Dockerfiles make. A named user would need a file that the task can not check. */
const MLFLOW_USER = "10001:10001";
const NGINX_USER = "101:101";

/**
 * The Fargate task of the tracking server: the schema migration, then MLflow on the loopback
 * interface, then nginx in front of it on the one port that the task shows.
 *
 * Nothing in it is root or writes to its image: each container has volumes of its own for what it
 * must write. The database password is read from Secrets Manager by the task itself, since ECS would
 * inject it once, at the start, and RDS changes it every week.
 */
export class TrackingTask extends pulumi.ComponentResource {
  public readonly taskDefinitionArn: pulumi.Output<string>;

  constructor(name: string, args: TrackingTaskArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:TrackingTask", name, {}, opts);

    const logGroup = (container: string) =>
      new aws.cloudwatch.LogGroup(
        `${name}-${container}-log`,
        { retentionInDays: args.logRetentionDays, kmsKeyId: args.kmsKeyArn },
        { parent: this },
      );
    const mlflowLog = logGroup("mlflow");
    const nginxLog = logGroup("nginx");

    const executionRole = serviceRole(
      `${name}-execution`,
      {
        service: "ecs-tasks.amazonaws.com",
        accountId: args.accountId,
        statements: [
          ...pullStatements([args.mlflowImage.repositoryArn, args.nginxImage.repositoryArn]),
          {
            Sid: "WriteTheseLogs",
            Effect: "Allow",
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource: [
              pulumi.interpolate`${mlflowLog.arn}:*`,
              pulumi.interpolate`${nginxLog.arn}:*`,
            ],
          },
        ],
      },
      { parent: this },
    );
    const taskRole = serviceRole(
      `${name}-task`,
      {
        service: "ecs-tasks.amazonaws.com",
        accountId: args.accountId,
        statements: taskStatements(args),
      },
      { parent: this },
    );

    const taskDefinition = new aws.ecs.TaskDefinition(
      `${name}-definition`,
      {
        family: name,
        requiresCompatibilities: ["FARGATE"],
        networkMode: "awsvpc",
        cpu: String(args.cpu),
        memory: String(args.memory),
        runtimePlatform: {
          operatingSystemFamily: "LINUX",
          cpuArchitecture: args.cpuArchitecture,
        },
        executionRoleArn: executionRole.arn,
        taskRoleArn: taskRole.arn,
        volumes: VOLUMES.map((volume) => ({ name: volume })),
        containerDefinitions: pulumi.jsonStringify(
          containers(args, { mlflow: mlflowLog.name, nginx: nginxLog.name }),
        ),
      },
      { parent: this },
    );

    this.taskDefinitionArn = taskDefinition.arn;
    this.registerOutputs({ taskDefinitionArn: this.taskDefinitionArn });
  }
}

/**
 * MLflow workers that a task of this size carries: two for each vCPU, one on half a vCPU. One holds
 * 0.34 GiB, two 0.53 and four 0.89 (docs/data-plane.md); more than fit the vCPUs serve hardly more.
 */
export function workersFor(cpu: number): number {
  return Math.max(1, Math.floor(cpu / 512));
}

const VOLUMES = ["migrate-tmp", "migrate-run", "mlflow-tmp", "mlflow-run", "nginx-tmp"];

function taskStatements(args: TrackingTaskArgs) {
  return [
    {
      Sid: "ListArtifacts",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: args.artifacts.bucketArn,
    },
    {
      Sid: "Artifacts",
      Effect: "Allow",
      Action: [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
      ],
      Resource: pulumi.interpolate`${args.artifacts.bucketArn}/*`,
    },
    {
      // What callers ask of models is not for all who may read runs.
      Sid: "NotCapturedRequests",
      Effect: "Deny",
      Action: "s3:*",
      Resource: pulumi.interpolate`${args.artifacts.bucketArn}/${CAPTURE_FOLDER}/*`,
    },
    artifactKeyStatement(args.kmsKeyArn, args.region),
    {
      Sid: "DatabasePassword",
      Effect: "Allow",
      Action: "secretsmanager:GetSecretValue",
      Resource: args.database.secretArn,
    },
    {
      Sid: "DatabasePasswordKey",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: args.kmsKeyArn,
      Condition: {
        StringEquals: { "kms:ViaService": `secretsmanager.${args.region}.amazonaws.com` },
      },
    },
  ];
}

function containers(
  args: TrackingTaskArgs,
  logs: { mlflow: pulumi.Input<string>; nginx: pulumi.Input<string> },
) {
  const common = {
    readonlyRootFilesystem: true,
    privileged: false,
    linuxParameters: { initProcessEnabled: true, capabilities: { drop: ["ALL"] } },
    stopTimeout: STOP_TIMEOUT,
  };
  const environment = (values: Record<string, pulumi.Input<string>>) =>
    Object.entries(values).map(([key, value]) => ({ name: key, value }));
  const mount = (volume: string, path: string) => ({
    sourceVolume: volume,
    containerPath: path,
    readOnly: false,
  });
  const logTo = (group: pulumi.Input<string>, prefix: string) => ({
    logDriver: "awslogs",
    options: {
      "awslogs-group": group,
      "awslogs-region": args.region,
      "awslogs-stream-prefix": prefix,
    },
  });
  const mlflow = {
    ...common,
    image: args.mlflowImage.reference,
    user: MLFLOW_USER,
    environment: environment({
      AWS_REGION: args.region,
      DATABASE_HOST: args.database.host,
      DATABASE_PORT: String(args.database.port),
      DATABASE_NAME: args.database.databaseName,
      DATABASE_SECRET_ARN: args.database.secretArn,
      MLFLOW_ARTIFACTS_DESTINATION: pulumi.interpolate`s3://${args.artifacts.bucketName}`,
      MLFLOW_WORKERS: String(workersFor(args.cpu)),
      // A pooled connection stays open, and a database with an open connection never pauses.
      ...(args.database.pauses ? { MLFLOW_SQLALCHEMYSTORE_POOLCLASS: "NullPool" } : {}),
    }),
  };

  return [
    {
      ...mlflow,
      name: "migrate",
      command: ["migrate"],
      essential: false,
      // The most that Fargate has: a migration that is killed half-way has to be undone by hand. For
      // the same reason it has no startTimeout, which would end the task after 120 s.
      stopTimeout: 120,
      mountPoints: [mount("migrate-tmp", "/tmp"), mount("migrate-run", "/run/mlflow")],
      logConfiguration: logTo(logs.mlflow, "migrate"),
    },
    {
      ...mlflow,
      name: "mlflow",
      command: ["server"],
      essential: true,
      dependsOn: [{ containerName: "migrate", condition: "SUCCESS" }],
      healthCheck: {
        command: ["CMD", "mlops-mlflow", "healthcheck"],
        interval: 10,
        timeout: 5,
        retries: 3,
        startPeriod: 180,
      },
      mountPoints: [mount("mlflow-tmp", "/tmp"), mount("mlflow-run", "/run/mlflow")],
      logConfiguration: logTo(logs.mlflow, "server"),
    },
    {
      ...common,
      name: PROXY.containerName,
      image: args.nginxImage.reference,
      user: NGINX_USER,
      essential: true,
      dependsOn: [{ containerName: "mlflow", condition: "HEALTHY" }],
      portMappings: [{ containerPort: PROXY.port, protocol: "tcp" }],
      environment: environment({
        ALLOWED_HOSTS: pulumi.output(args.allowedHosts).apply((hosts) => hosts.join(" ")),
      }),
      healthCheck: {
        command: ["CMD", "healthcheck"],
        interval: 10,
        timeout: 5,
        retries: 3,
        startPeriod: 30,
      },
      mountPoints: [mount("nginx-tmp", "/tmp")],
      logConfiguration: logTo(logs.nginx, "proxy"),
    },
  ];
}
