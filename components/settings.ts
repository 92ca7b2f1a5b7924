import * as pulumi from "@pulumi/pulumi";
import { overlaps, parseIpv4Block } from "./cidr";
import { ConfigReader } from "./config-reader";
import type { DatabaseArgs } from "./database";
import type { HttpApiArgs, TokenIssuer } from "./http-api";
import type { ServedModel } from "./model-serving";
import { readModels } from "./model-settings";
import type { NetworkArgs } from "./network";
import type { TrackingServerArgs } from "./tracking-server";
import type { ZoneChoice } from "./zones";

/** Everything that a stack file can say, checked. `Pulumi.yaml` describes each key and its default. */
export interface Settings {
  readonly region: string;
  /** Tags of every resource. */
  readonly tags: Readonly<Record<string, string>>;
  readonly zones: ZoneChoice;
  readonly network: {
    readonly mlopsVpcCidr: string;
    readonly sagemakerVpcCidr: string;
  } & Pick<NetworkArgs, "egress" | "egressZoneCount">;
  readonly server: Pick<
    TrackingServerArgs,
    | "ingress"
    | "cpuArchitecture"
    | "cpu"
    | "memory"
    | "minTasks"
    | "maxTasks"
    | "spotPercent"
    | "cpuTargetPercent"
    | "requestsPerTaskTarget"
    | "containerInsights"
  >;
  readonly images: { readonly mlflowVersion: string; readonly nginxVersion: string };
  readonly api: Pick<HttpApiArgs, "rateLimit" | "burstLimit" | "managedPolicies">;
  /** Identity provider of a second API, which takes its tokens; none by default. */
  readonly tokens?: TokenIssuer;
  readonly database: Pick<
    DatabaseArgs,
    | "engineVersion"
    | "minCapacity"
    | "maxCapacity"
    | "autoPauseSeconds"
    | "readers"
    | "backupRetentionDays"
  >;
  /** Models that have an endpoint. */
  readonly models: readonly ServedModel[];
  /** Let the SageMaker VPC reach the tracking server, without the API. */
  readonly privateLink: boolean;
  /** JupyterLab for these users; none by default. */
  readonly workbench?: { readonly userNames: readonly string[]; readonly idleMinutes: number };
  readonly logRetentionDays: number;
  readonly protect: boolean;
  readonly forceDestroy: boolean;
}

/** Says everything that is wrong with a stack's settings, one line a problem, without a stack trace. */
export class SettingsError extends pulumi.RunError {
  constructor(
    stack: string,
    public readonly problems: readonly string[],
  ) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(
      `${count} in the settings of stack "${stack}"; nothing was changed.\n` +
        problems.map((problem) => `  - ${problem}`).join("\n"),
    );
  }
}

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html, task size */
const FARGATE_MEMORY: Readonly<Record<number, { min: number; max: number; step: number }>> = {
  512: { min: 1024, max: 4096, step: 1024 },
  1024: { min: 2048, max: 8192, step: 1024 },
  2048: { min: 4096, max: 16384, step: 1024 },
  4096: { min: 8192, max: 30720, step: 1024 },
  8192: { min: 16384, max: 61440, step: 4096 },
  16384: { min: 32768, max: 122880, step: 8192 },
};

/** https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
  3653,
];

/**
 * Releases of Aurora MySQL 3 that can pause (3.08 and later), with the end of their standard support,
 * after which AWS stops creating them. 3.10 is the one with long-term support.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraMySQLReleaseNotes/AuroraMySQL.release-calendars.html
 */
const AURORA_SUPPORT_ENDS: Readonly<Record<string, string>> = {
  "3.08": "2026-08-31",
  "3.09": "2026-08-31",
  "3.10": "2028-04-30",
  "3.11": "2026-11-13",
  "3.12": "2027-02-17",
  "3.13": "2027-08-27",
};

const ENGINE_VERSION = /^8\.0\.mysql_aurora\.(3\.\d{2})\.\d+$/;

/**
 * Reads and checks the stack's settings. Every problem is found before any resource is made.
 *
 * @param stack name of the stack, which prefixes the names of all resources
 * @param today the day against which support dates are judged
 * @throws SettingsError that lists every problem with its key, its value and the fix
 */
export function readSettings(stack: string, today = new Date()): Settings {
  const reader = new ConfigReader();

  const region = reader.text("aws:region", /^[a-z]{2}-[a-z]+-\d$/, 'a region such as "us-east-1"');
  reader.check(
    ["aws:region"],
    !/^(cn|us-gov|us-iso)/.test(region),
    () => `aws:region is "${region}", outside the "aws" partition: use a commercial region.`,
  );

  const owner = reader.text("owner", /^\S.*$/, "the name of a team");
  const tags = reader.stringMap("tags");

  const zoneCount = reader.integer("zoneCount", 2, 4);
  const zoneIds = reader.texts("zoneIds", /^[a-z]{2,4}\d-az\d+$/, 'ids such as "use1-az1"');
  reader.check(
    ["zoneCount", "zoneIds"],
    zoneIds.length === 0 || zoneIds.length >= zoneCount,
    () =>
      `mlops:zoneIds names ${zoneIds.length} zone(s) (${zoneIds.join(", ")}), fewer than mlops:zoneCount (${zoneCount}): name ${zoneCount}, or none.`,
  );
  reader.check(
    ["zoneIds"],
    new Set(zoneIds).size === zoneIds.length,
    () => `mlops:zoneIds names a zone twice (${zoneIds.join(", ")}): name each once.`,
  );

  const mlopsVpcCidr = reader.vpcCidr("mlopsVpcCidr");
  const sagemakerVpcCidr = reader.vpcCidr("sagemakerVpcCidr");
  reader.check(
    ["mlopsVpcCidr", "sagemakerVpcCidr"],
    () => !overlaps(parseIpv4Block(mlopsVpcCidr)!, parseIpv4Block(sagemakerVpcCidr)!),
    () =>
      `mlops:mlopsVpcCidr (${mlopsVpcCidr}) and mlops:sagemakerVpcCidr (${sagemakerVpcCidr}) overlap: give each VPC a block of its own, such as 10.0.0.0/16 and 10.1.0.0/16.`,
  );

  const egress = reader.oneOf("egress", ["endpoints", "nat"]);
  const egressZoneCount = reader.integer("egressZoneCount", 1, 4);
  reader.check(
    ["egressZoneCount", "zoneCount"],
    egressZoneCount <= zoneCount,
    () =>
      `mlops:egressZoneCount is ${egressZoneCount}, above mlops:zoneCount (${zoneCount}): use 1 to ${zoneCount}.`,
  );
  reader.check(
    ["egress", "egressZoneCount", "zoneCount"],
    egress !== "nat" || [1, zoneCount].includes(egressZoneCount) || egressZoneCount > zoneCount,
    () =>
      `mlops:egressZoneCount is ${egressZoneCount}, but NAT gateways stand in one zone or in every zone: use 1 or ${zoneCount}.`,
  );

  const ingress = reader.oneOf("ingress", ["alb", "cloud-map"]);
  const cpuArchitecture = reader.oneOf("cpuArchitecture", ["ARM64", "X86_64"]);
  const cpu = reader.integerOf("taskCpu", Object.keys(FARGATE_MEMORY).map(Number));
  const memory = reader.integer("taskMemory", 1024, 122880);
  reader.check(
    ["taskCpu", "taskMemory"],
    () => {
      const { min, max, step } = FARGATE_MEMORY[cpu]!;
      return memory >= min && memory <= max && (memory - min) % step === 0;
    },
    () => {
      const { min, max, step } = FARGATE_MEMORY[cpu]!;
      return `mlops:taskMemory is ${memory}, which Fargate does not offer with mlops:taskCpu ${cpu}: use ${min} to ${max} in steps of ${step}.`;
    },
  );
  const minTasks = reader.integer("minTasks", 1, 100);
  const maxTasks = reader.integer("maxTasks", 1, 100);
  reader.check(
    ["minTasks", "maxTasks"],
    minTasks <= maxTasks,
    () =>
      `mlops:minTasks is ${minTasks}, above mlops:maxTasks (${maxTasks}): lower it or raise mlops:maxTasks.`,
  );
  const spotPercent = reader.integer("spotPercent", 0, 100);
  const cpuTargetPercent = reader.integer("cpuTargetPercent", 10, 90);
  const requestsPerTaskTarget = reader.integer("requestsPerTaskTarget", 1, 1_000_000);
  const containerInsights = reader.boolean("containerInsights");
  const version = /^\d+\.\d+\.\d+$/;
  const mlflowVersion = reader.text("mlflowVersion", version, 'a release such as "3.17.2"');
  const nginxVersion = reader.text("nginxVersion", version, 'a release such as "1.30.4"');

  const rateLimit = reader.integer("apiRateLimit", 1, 10_000);
  const burstLimit = reader.integer("apiBurstLimit", 1, 5_000);

  const managedPolicies = reader.boolean("apiManagedPolicies");
  const issuer = reader.text("tokenIssuer", /^(https:\/\/\S+)?$/, 'an https URL, or "" for none');
  const audiences = reader.texts("tokenAudiences", /^\S+$/, "client ids");
  reader.check(
    ["tokenIssuer", "tokenAudiences"],
    (issuer === "") === (audiences.length === 0),
    () =>
      `mlops:tokenIssuer is "${issuer}" and mlops:tokenAudiences names ${audiences.length} audience(s): set both, or neither.`,
  );

  const engineVersion = reader.text(
    "databaseEngineVersion",
    ENGINE_VERSION,
    'an Aurora MySQL release such as "8.0.mysql_aurora.3.10.4"',
  );
  reader.check(
    ["databaseEngineVersion"],
    () => new Date(supportEnd(engineVersion)) > today,
    () => {
      const usable = Object.keys(AURORA_SUPPORT_ENDS).filter(
        (line) => new Date(AURORA_SUPPORT_ENDS[line]!) > today,
      );
      const end = AURORA_SUPPORT_ENDS[releaseLine(engineVersion)];
      const reason = end
        ? `whose standard support ended on ${end}`
        : "which this program has not been checked with";
      return `mlops:databaseEngineVersion is "${engineVersion}", ${reason}: use a release of ${usable.join(", ")}.`;
    },
  );
  const minCapacity = reader.capacity("databaseMinCapacity", 0);
  const maxCapacity = reader.capacity("databaseMaxCapacity", 1);
  reader.check(
    ["databaseMinCapacity", "databaseMaxCapacity"],
    minCapacity <= maxCapacity,
    () =>
      `mlops:databaseMinCapacity is ${minCapacity}, above mlops:databaseMaxCapacity (${maxCapacity}): lower it or raise mlops:databaseMaxCapacity.`,
  );
  const autoPauseSeconds = reader.integer("databaseAutoPauseSeconds", 0, 86_400);
  reader.check(
    ["databaseAutoPauseSeconds"],
    autoPauseSeconds === 0 || autoPauseSeconds >= 300,
    () =>
      `mlops:databaseAutoPauseSeconds is ${autoPauseSeconds}, but Aurora waits 300 to 86400 seconds: use one of these, or 0 for a database that never pauses.`,
  );
  reader.check(
    ["databaseAutoPauseSeconds", "databaseMinCapacity"],
    autoPauseSeconds === 0 || minCapacity === 0,
    () =>
      `mlops:databaseAutoPauseSeconds is ${autoPauseSeconds}, but a database with mlops:databaseMinCapacity ${minCapacity} never pauses: set databaseMinCapacity to "0", or databaseAutoPauseSeconds to 0.`,
  );
  reader.check(
    ["databaseAutoPauseSeconds", "databaseMinCapacity"],
    autoPauseSeconds !== 0 || minCapacity > 0,
    () =>
      `mlops:databaseMinCapacity is 0, but mlops:databaseAutoPauseSeconds is 0 (never): set databaseAutoPauseSeconds to 300 or more, or databaseMinCapacity to "0.5".`,
  );
  const readers = reader.integer("databaseReaders", 0, 3);
  reader.check(
    ["databaseReaders", "zoneCount"],
    readers < zoneCount,
    () =>
      `mlops:databaseReaders is ${readers}, but each stands in a zone of its own beside the writer's and mlops:zoneCount is ${zoneCount}: use at most ${zoneCount - 1}, or raise zoneCount.`,
  );
  reader.check(
    ["databaseReaders", "databaseAutoPauseSeconds"],
    readers === 0 || autoPauseSeconds === 0,
    () =>
      `mlops:databaseReaders is ${readers}, but a stand-by reader is for a database that stays up and mlops:databaseAutoPauseSeconds is ${autoPauseSeconds}: set databaseReaders to 0, or databaseAutoPauseSeconds to 0.`,
  );
  const backupRetentionDays = reader.integer("backupRetentionDays", 1, 35);

  const models = readModels(reader, region);

  const privateLink = reader.boolean("privateLink");
  reader.check(
    ["privateLink", "ingress"],
    !privateLink || ingress === "alb",
    () =>
      `mlops:privateLink is true, but leads to the load balancer and mlops:ingress is "${ingress}": set ingress to "alb", or privateLink to false.`,
  );
  const workbenchUsers = reader.texts(
    "workbenchUsers",
    /^(?=.{1,24}$)[a-z0-9]+(-[a-z0-9]+)*$/,
    "names of at most 24 lower-case letters, digits and single hyphens",
  );
  const workbenchIdleMinutes = reader.integer("workbenchIdleMinutes", 60, 525_600);
  reader.check(
    ["workbenchUsers"],
    new Set(workbenchUsers).size === workbenchUsers.length,
    () => `mlops:workbenchUsers names a user twice (${workbenchUsers.join(", ")}): name each once.`,
  );
  reader.check(
    ["workbenchUsers", "privateLink"],
    workbenchUsers.length === 0 || privateLink,
    () =>
      `mlops:workbenchUsers names ${workbenchUsers.join(", ")}, who would not reach MLflow from the SageMaker VPC: set mlops:privateLink to true, or remove them.`,
  );

  const logRetentionDays = reader.integerOf("logRetentionDays", LOG_RETENTION_DAYS);
  const protect = reader.boolean("protect");
  const forceDestroy = reader.boolean("forceDestroy");
  reader.check(
    ["protect", "forceDestroy"],
    !(protect && forceDestroy),
    () =>
      `mlops:protect and mlops:forceDestroy are both true, and contradict each other: set one of them to false.`,
  );
  reader.check(
    ["protect", "backupRetentionDays"],
    !protect || backupRetentionDays >= 7,
    () =>
      `mlops:backupRetentionDays is ${backupRetentionDays}, too few for an environment with mlops:protect: keep 7 or more, or set protect to false.`,
  );

  // The target group's name is the longest: STACK-mlflow-alb-tg-0123456 in the 32 characters that AWS allows.
  // RDS takes no two hyphens in a row.
  if (!/^(?=.{1,10}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(stack)) {
    reader.problems.push(
      `The stack's name is "${stack}", which prefixes the names of its resources: use at most 10 lower-case letters, digits and single hyphens, a letter first.`,
    );
  }
  reader.refuseUnknownKeys();
  if (reader.problems.length > 0) throw new SettingsError(stack, reader.problems);

  return {
    region,
    tags: {
      Project: pulumi.getProject(),
      Environment: stack,
      Owner: owner,
      ManagedBy: "pulumi",
      ...tags,
    },
    zones: { count: zoneCount, ids: zoneIds },
    network: { mlopsVpcCidr, sagemakerVpcCidr, egress, egressZoneCount },
    server: {
      ingress,
      cpuArchitecture,
      cpu,
      memory,
      minTasks,
      maxTasks,
      spotPercent,
      cpuTargetPercent,
      requestsPerTaskTarget,
      containerInsights,
    },
    images: { mlflowVersion, nginxVersion },
    api: { rateLimit, burstLimit, managedPolicies },
    ...(issuer === "" ? {} : { tokens: { issuer, audiences } }),
    database: {
      engineVersion,
      minCapacity,
      maxCapacity,
      autoPauseSeconds,
      readers,
      backupRetentionDays,
    },
    models,
    privateLink,
    ...(workbenchUsers.length > 0 && {
      workbench: { userNames: workbenchUsers, idleMinutes: workbenchIdleMinutes },
    }),
    logRetentionDays,
    protect,
    forceDestroy,
  };
}

/** The release line of an engine version: 3.10 of 8.0.mysql_aurora.3.10.4. */
function releaseLine(engineVersion: string): string {
  return ENGINE_VERSION.exec(engineVersion)?.[1] ?? "";
}

function supportEnd(engineVersion: string): string {
  return AURORA_SUPPORT_ENDS[releaseLine(engineVersion)] ?? "1970-01-01";
}
