import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface DatabaseArgs {
  readonly vpcId: pulumi.Input<string>;
  /** Subnets without a route to the internet, in at least two zones. */
  readonly subnetIds: pulumi.Input<string[]>;
  /** Zones of those subnets: the writer stands in the first, each reader in one of the others. */
  readonly zones: readonly string[];
  /** Aurora MySQL 3 release, such as `8.0.mysql_aurora.3.10.4`. */
  readonly engineVersion: string;
  /** Least and most Aurora capacity units; a minimum of 0 lets the database pause. */
  readonly minCapacity: number;
  readonly maxCapacity: number;
  /** Idle seconds before a pause, with a minimum of 0. 0: never. */
  readonly autoPauseSeconds: number;
  /** Stand-by readers, at most one for each zone beside the first. */
  readonly readers: number;
  readonly backupRetentionDays: number;
  readonly logRetentionDays: number;
  /** KMS key of the storage, the snapshots, the password and the logs. */
  readonly kmsKeyArn: pulumi.Input<string>;
  /** Refuse to delete the database, in Pulumi and in AWS. */
  readonly protect: boolean;
  /** Let `pulumi destroy` delete the database without a final snapshot, and its backups with it. */
  readonly forceDestroy: boolean;
}

/** How a client reaches the database: what it needs to open the network and to sign in. */
export interface DatabaseConnection {
  readonly host: pulumi.Output<string>;
  readonly port: number;
  readonly databaseName: string;
  /** Secret with `username` and `password` as JSON; RDS changes the password every seven days. */
  readonly secretArn: pulumi.Output<string>;
  readonly securityGroupId: pulumi.Output<string>;
  /** True when the database pauses once no connection is open. */
  readonly pauses: boolean;
}

const PORT = 3306;

/**
 * Aurora MySQL Serverless v2: encrypted, TLS only, its password made and rotated by RDS and kept in
 * Secrets Manager alone.
 *
 * It takes no addresses. Its security group starts without a rule, and whoever connects opens the
 * port from a security group with `allowTcp`.
 *
 * @throws Error naming the argument when the capacities, the pause or the readers contradict
 */
export class Database extends pulumi.ComponentResource implements DatabaseConnection {
  public readonly host: pulumi.Output<string>;
  public readonly port = PORT;
  public readonly databaseName = "mlflow";
  public readonly secretArn: pulumi.Output<string>;
  public readonly securityGroupId: pulumi.Output<string>;
  public readonly pauses: boolean;

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:Database", name, {}, opts);
    validate(args);
    this.pauses = args.autoPauseSeconds > 0;

    const subnetGroup = new aws.rds.SubnetGroup(
      name,
      {
        subnetIds: args.subnetIds,
        description: "Database subnets without a route to the internet",
      },
      { parent: this },
    );
    // Its random suffix makes the subnet group's name unique; the cluster borrows it, since its log
    // groups are named after it and must exist, with their retention, before RDS makes them itself.
    const clusterIdentifier = subnetGroup.name;

    const securityGroup = new aws.ec2.SecurityGroup(
      `${name}-sg`,
      { vpcId: args.vpcId, description: "Database: MySQL from named security groups only" },
      { parent: this },
    );
    const parameterGroup = new aws.rds.ClusterParameterGroup(
      `${name}-parameters`,
      {
        family: "aurora-mysql8.0",
        description: "TLS only, with the logs that are exported",
        parameters: [
          { name: "require_secure_transport", value: "ON" },
          { name: "tls_version", value: "TLSv1.2,TLSv1.3" },
          { name: "slow_query_log", value: "1" },
          { name: "long_query_time", value: "1" },
          { name: "server_audit_logging", value: "1" },
          // Not CONNECT: MLflow may open a connection for every request.
          { name: "server_audit_events", value: "QUERY_DCL,QUERY_DDL" },
        ],
      },
      { parent: this },
    );
    // "instance" tells why a database that should pause did not.
    const logs = ["audit", "error", "slowquery", ...(this.pauses ? ["instance"] : [])];
    const logGroups = logs.map(
      (log) =>
        new aws.cloudwatch.LogGroup(
          `${name}-${log}-log`,
          {
            name: pulumi.interpolate`/aws/rds/cluster/${clusterIdentifier}/${log}`,
            retentionInDays: args.logRetentionDays,
            kmsKeyId: args.kmsKeyArn,
          },
          { parent: this },
        ),
    );

    const cluster = new aws.rds.Cluster(
      `${name}-cluster`,
      {
        clusterIdentifier,
        engine: "aurora-mysql",
        engineMode: "provisioned",
        engineVersion: args.engineVersion,
        databaseName: this.databaseName,
        port: PORT,
        masterUsername: "mlflow",
        manageMasterUserPassword: true,
        masterUserSecretKmsKeyId: args.kmsKeyArn,
        dbSubnetGroupName: subnetGroup.name,
        vpcSecurityGroupIds: [securityGroup.id],
        dbClusterParameterGroupName: parameterGroup.name,
        serverlessv2ScalingConfiguration: {
          minCapacity: args.minCapacity,
          maxCapacity: args.maxCapacity,
          ...(this.pauses ? { secondsUntilAutoPause: args.autoPauseSeconds } : {}),
        },
        storageEncrypted: true,
        kmsKeyId: args.kmsKeyArn,
        enabledCloudwatchLogsExports: logs,
        databaseInsightsMode: "standard",
        backupRetentionPeriod: args.backupRetentionDays,
        preferredBackupWindow: "03:00-04:00",
        preferredMaintenanceWindow: "sun:04:30-sun:05:30",
        copyTagsToSnapshot: true,
        deletionProtection: args.protect,
        deleteAutomatedBackups: args.forceDestroy,
        skipFinalSnapshot: args.forceDestroy,
        ...(args.forceDestroy
          ? {}
          : { finalSnapshotIdentifier: pulumi.interpolate`${clusterIdentifier}-final` }),
      },
      { parent: this, protect: args.protect, dependsOn: logGroups },
    );

    const instances = args.zones.slice(0, 1 + args.readers).map(
      (zone, i) =>
        new aws.rds.ClusterInstance(
          `${name}-instance-${i + 1}`,
          {
            clusterIdentifier: cluster.id,
            engine: "aurora-mysql",
            instanceClass: "db.serverless",
            availabilityZone: zone,
            publiclyAccessible: false,
            // Tiers 0 and 1 scale with the writer, so that a failover finds a reader of its size.
            promotionTier: i === 0 ? 0 : 1,
            caCertIdentifier: "rds-ca-rsa2048-g1",
            ...(this.pauses ? {} : performanceInsights(args.kmsKeyArn)),
            // The release is pinned; an upgrade is a change of the setting, after a snapshot.
            autoMinorVersionUpgrade: false,
            copyTagsToSnapshot: true,
          },
          { parent: this, protect: args.protect },
        ),
    );

    // A cluster answers only once it has an instance, so a client waits for the writer.
    this.host = pulumi.all([cluster.endpoint, instances[0]!.id]).apply(([endpoint]) => endpoint);
    this.secretArn = cluster.masterUserSecrets.apply((secrets) => secrets[0]!.secretArn);
    this.securityGroupId = securityGroup.id;
    this.registerOutputs({
      host: this.host,
      port: this.port,
      databaseName: this.databaseName,
      secretArn: this.secretArn,
      securityGroupId: this.securityGroupId,
    });
  }
}

/**
 * Seven days of history are free. Not for a database that pauses: the collection takes memory, and
 * can hold the capacity above the minimum.
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html
 */
function performanceInsights(kmsKeyArn: pulumi.Input<string>) {
  return {
    performanceInsightsEnabled: true,
    performanceInsightsRetentionPeriod: 7,
    performanceInsightsKmsKeyId: kmsKeyArn,
  };
}

function validate(args: DatabaseArgs): void {
  if (args.minCapacity > args.maxCapacity) {
    throw new Error(
      `minCapacity: ${args.minCapacity} given, above maxCapacity (${args.maxCapacity})`,
    );
  }
  if ((args.minCapacity === 0) !== args.autoPauseSeconds > 0) {
    throw new Error(
      `autoPauseSeconds: ${args.autoPauseSeconds} given with minCapacity ${args.minCapacity}; a database pauses with a minCapacity of 0, and only then`,
    );
  }
  if (args.readers >= args.zones.length) {
    throw new Error(
      `readers: ${args.readers} given, but ${args.zones.length} zone(s) have room for the writer and ${args.zones.length - 1}`,
    );
  }
}
