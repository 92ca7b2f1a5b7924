/** How one type of resource exposes a database or cache. */
export interface DatabaseKind {
  /** What people call it. */
  readonly label: string;
  /** Dotted path of its security groups; absent when it carries none of its own. */
  readonly groups?: string;
  /** Properties that bring security groups from another resource, so that it may name none. */
  readonly groupsComeFrom?: readonly string[];
  /** Property that, when true, gives it a public address. */
  readonly publicFlag?: string;
  /**
   * True where AWS or the provider decides about a {@link publicFlag} that was left out. Elsewhere the
   * provider documents false as its default.
   */
  readonly flagMustBeSet?: boolean;
  /** Property that places it in a VPC; without it the endpoint is public. */
  readonly placement?: string;
  /** Property with a network policy as JSON: a list of rules, each with `AllowFromPublic`. */
  readonly networkPolicy?: string;
}

/** Every kind of database and cache that a network can reach, by type token. */
export const DATABASE_KINDS: Readonly<Record<string, DatabaseKind>> = {
  "aws:rds/instance:Instance": {
    label: "RDS instance",
    groups: "vpcSecurityGroupIds",
    publicFlag: "publiclyAccessible",
  },
  "aws:rds/cluster:Cluster": { label: "Aurora cluster", groups: "vpcSecurityGroupIds" },
  "aws:rds/clusterInstance:ClusterInstance": {
    label: "Aurora instance",
    publicFlag: "publiclyAccessible",
  },
  "aws:rds/shardGroup:ShardGroup": {
    label: "Aurora shard group",
    publicFlag: "publiclyAccessible",
    flagMustBeSet: true,
  },
  "aws:rds/proxy:Proxy": { label: "RDS proxy", groups: "vpcSecurityGroupIds" },
  "aws:rds/proxyEndpoint:ProxyEndpoint": {
    label: "RDS proxy endpoint",
    groups: "vpcSecurityGroupIds",
  },
  "aws:redshift/cluster:Cluster": {
    label: "Redshift cluster",
    groups: "vpcSecurityGroupIds",
    publicFlag: "publiclyAccessible",
  },
  "aws:redshift/endpointAccess:EndpointAccess": {
    label: "Redshift endpoint",
    groups: "vpcSecurityGroupIds",
  },
  "aws:redshiftserverless/workgroup:Workgroup": {
    label: "Redshift Serverless workgroup",
    groups: "securityGroupIds",
    publicFlag: "publiclyAccessible",
    flagMustBeSet: true,
  },
  "aws:redshiftserverless/endpointAccess:EndpointAccess": {
    label: "Redshift Serverless endpoint",
    groups: "vpcSecurityGroupIds",
  },
  "aws:docdb/cluster:Cluster": { label: "DocumentDB cluster", groups: "vpcSecurityGroupIds" },
  "aws:docdb/elasticCluster:ElasticCluster": {
    label: "DocumentDB elastic cluster",
    groups: "vpcSecurityGroupIds",
  },
  "aws:neptune/cluster:Cluster": { label: "Neptune cluster", groups: "vpcSecurityGroupIds" },
  "aws:neptune/clusterInstance:ClusterInstance": {
    label: "Neptune instance",
    publicFlag: "publiclyAccessible",
  },
  "aws:neptunegraph/graph:Graph": {
    label: "Neptune Analytics graph",
    publicFlag: "publicConnectivity",
    flagMustBeSet: true,
  },
  "aws:elasticache/cluster:Cluster": {
    label: "ElastiCache cluster",
    groups: "securityGroupIds",
    groupsComeFrom: ["replicationGroupId"],
  },
  "aws:elasticache/replicationGroup:ReplicationGroup": {
    label: "ElastiCache replication group",
    groups: "securityGroupIds",
  },
  "aws:elasticache/serverlessCache:ServerlessCache": {
    label: "ElastiCache serverless cache",
    groups: "securityGroupIds",
  },
  "aws:memorydb/cluster:Cluster": { label: "MemoryDB cluster", groups: "securityGroupIds" },
  "aws:dax/cluster:Cluster": { label: "DAX cluster", groups: "securityGroupIds" },
  "aws:opensearch/domain:Domain": {
    label: "OpenSearch domain",
    groups: "vpcOptions.securityGroupIds",
    placement: "vpcOptions",
  },
  "aws:opensearch/vpcEndpoint:VpcEndpoint": {
    label: "OpenSearch endpoint",
    groups: "vpcOptions.securityGroupIds",
  },
  "aws:opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint": {
    label: "OpenSearch Serverless endpoint",
    groups: "securityGroupIds",
  },
  "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": {
    label: "OpenSearch Serverless policy",
    networkPolicy: "policy",
  },
  "aws:elasticsearch/domain:Domain": {
    label: "Elasticsearch domain",
    groups: "vpcOptions.securityGroupIds",
    placement: "vpcOptions",
  },
  "aws:elasticsearch/vpcEndpoint:VpcEndpoint": {
    label: "Elasticsearch endpoint",
    groups: "vpcOptions.securityGroupIds",
  },
  "aws:dms/replicationInstance:ReplicationInstance": {
    label: "DMS replication instance",
    groups: "vpcSecurityGroupIds",
    publicFlag: "publiclyAccessible",
    flagMustBeSet: true,
  },
  "aws:dms/replicationConfig:ReplicationConfig": {
    label: "DMS serverless replication",
    groups: "computeConfig.vpcSecurityGroupIds",
  },
  "aws:timestreaminfluxdb/dbInstance:DbInstance": {
    label: "Timestream for InfluxDB instance",
    groups: "vpcSecurityGroupIds",
    publicFlag: "publiclyAccessible",
  },
  "aws:timestreaminfluxdb/dbCluster:DbCluster": {
    label: "Timestream for InfluxDB cluster",
    groups: "vpcSecurityGroupIds",
    publicFlag: "publiclyAccessible",
  },
  "aws:lightsail/database:Database": {
    label: "Lightsail database",
    publicFlag: "publiclyAccessible",
  },
  "aws:mq/broker:Broker": {
    label: "MQ broker",
    groups: "securityGroups",
    publicFlag: "publiclyAccessible",
  },
  "aws:finspace/kxCluster:KxCluster": {
    label: "FinSpace kdb cluster",
    groups: "vpcConfiguration.securityGroupIds",
  },
  "aws-native:rds:DbInstance": {
    label: "RDS instance",
    groups: "vpcSecurityGroups",
    // Instances of a cluster use the cluster's groups.
    groupsComeFrom: ["dbClusterIdentifier"],
    publicFlag: "publiclyAccessible",
    flagMustBeSet: true,
  },
  "aws-native:rds:DbCluster": {
    label: "Aurora cluster",
    groups: "vpcSecurityGroupIds",
    publicFlag: "publiclyAccessible",
  },
  "aws-native:rds:DbShardGroup": {
    label: "Aurora shard group",
    publicFlag: "publiclyAccessible",
    flagMustBeSet: true,
  },
  "aws-native:rds:DbProxy": { label: "RDS proxy", groups: "vpcSecurityGroupIds" },
  "aws-native:rds:DbProxyEndpoint": {
    label: "RDS proxy endpoint",
    groups: "vpcSecurityGroupIds",
  },
  "aws-native:redshift:Cluster": {
    label: "Redshift cluster",
    groups: "vpcSecurityGroupIds",
    publicFlag: "publiclyAccessible",
    flagMustBeSet: true,
  },
  "aws-native:redshiftserverless:Workgroup": {
    label: "Redshift Serverless workgroup",
    groups: "securityGroupIds",
    publicFlag: "publiclyAccessible",
    flagMustBeSet: true,
  },
  "aws-native:neptune:DbCluster": { label: "Neptune cluster", groups: "vpcSecurityGroupIds" },
  "aws-native:neptunegraph:Graph": {
    label: "Neptune Analytics graph",
    publicFlag: "publicConnectivity",
    flagMustBeSet: true,
  },
  "aws-native:docdbelastic:Cluster": {
    label: "DocumentDB elastic cluster",
    groups: "vpcSecurityGroupIds",
  },
  "aws-native:elasticache:ReplicationGroup": {
    label: "ElastiCache replication group",
    groups: "securityGroupIds",
  },
  "aws-native:elasticache:ServerlessCache": {
    label: "ElastiCache serverless cache",
    groups: "securityGroupIds",
  },
  "aws-native:memorydb:Cluster": { label: "MemoryDB cluster", groups: "securityGroupIds" },
  "aws-native:opensearchservice:Domain": {
    label: "OpenSearch domain",
    groups: "vpcOptions.securityGroupIds",
    placement: "vpcOptions",
  },
  "aws-native:timestream:InfluxDbInstance": {
    label: "Timestream for InfluxDB instance",
    groups: "vpcSecurityGroupIds",
    publicFlag: "publiclyAccessible",
    flagMustBeSet: true,
  },
  "aws-native:amazonmq:Broker": {
    label: "MQ broker",
    groups: "securityGroups",
    publicFlag: "publiclyAccessible",
    flagMustBeSet: true,
  },
  "aws-native:lightsail:Database": {
    label: "Lightsail database",
    publicFlag: "publiclyAccessible",
    flagMustBeSet: true,
  },
};

/**
 * Ports that databases and caches listen on by default. They matter only for a security group that
 * no database in sight carries: on one that a database carries, every port counts.
 */
export const DATABASE_PORTS: readonly number[] = [
  1433, // SQL Server
  1521, // Oracle
  2484, // Oracle with TLS
  3306, // MySQL, MariaDB, Aurora MySQL
  5432, // PostgreSQL, Aurora PostgreSQL
  5439, // Redshift
  6379, // Redis, Valkey, MemoryDB
  6380, // ElastiCache reader endpoints
  8086, // InfluxDB
  8111, // DAX
  8182, // Neptune
  9042, // Cassandra
  9111, // DAX with TLS
  9142, // Keyspaces
  9200, // OpenSearch, Elasticsearch
  11211, // Memcached
  27017, // MongoDB, DocumentDB
  33060, // MySQL X protocol
  50000, // Db2
];
