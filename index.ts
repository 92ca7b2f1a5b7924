import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { ArtifactStore } from "./components/artifact-store";
import { connection, privateConnection } from "./components/connection";
import { ContainerImage } from "./components/container-image";
import { Database } from "./components/database";
import { EncryptionKey } from "./components/encryption-key";
import { HttpApi } from "./components/http-api";
import { ModelServing } from "./components/model-serving";
import { Network } from "./components/network";
import { PredictRoute } from "./components/predict-route";
import { PrivateLink } from "./components/private-link";
import { readSettings } from "./components/settings";
import { TrackingServer } from "./components/tracking-server";
import { Workbench, WORKBENCH_ENDPOINTS } from "./components/workbench";
import { findZones } from "./components/zones";
import { bundle } from "./functions/predict/bundle";
import { openApi } from "./functions/predict/openapi";

export = async () => {
  const stack = pulumi.getStack();
  const settings = readSettings(stack);
  const { region, logRetentionDays, protect, forceDestroy } = settings;

  const provider = new aws.Provider("aws", { region, defaultTags: { tags: settings.tags } });
  const opts = { providers: { aws: provider } };
  const { accountId } = aws.getCallerIdentityOutput({}, { provider });
  const zones = await findZones(settings.zones, { provider });

  const key = new EncryptionKey(
    `${stack}-data`,
    { description: `MLOps platform, ${stack}`, accountId, region, protect },
    opts,
  );
  const artifacts = new ArtifactStore(
    `${stack}-artifacts`,
    { kmsKeyArn: key.arn, captureRetentionDays: logRetentionDays, protect, forceDestroy },
    opts,
  );

  const network = {
    zones,
    region,
    accountId,
    egress: settings.network.egress,
    egressZoneCount: settings.network.egressZoneCount,
    bucketArns: [artifacts.bucketArn],
  };
  const mlopsNetwork = new Network(
    `${stack}-mlops`,
    {
      ...network,
      cidrBlock: settings.network.mlopsVpcCidr,
      interfaceEndpoints: ["ecr.api", "ecr.dkr", "logs", "secretsmanager"],
      databaseSubnets: true,
    },
    opts,
  );
  const sagemakerNetwork = new Network(
    `${stack}-sagemaker`,
    {
      ...network,
      cidrBlock: settings.network.sagemakerVpcCidr,
      interfaceEndpoints: settings.workbench ? WORKBENCH_ENDPOINTS : [],
      databaseSubnets: false,
    },
    opts,
  );

  const database = new Database(
    `${stack}-database`,
    {
      ...settings.database,
      vpcId: mlopsNetwork.vpcId,
      subnetIds: mlopsNetwork.databaseSubnetIds,
      zones,
      logRetentionDays,
      kmsKeyArn: key.arn,
      protect,
      forceDestroy,
    },
    opts,
  );

  const image = {
    cpuArchitecture: settings.server.cpuArchitecture,
    kmsKeyArn: key.arn,
    forceDestroy,
  };
  const mlflowImage = new ContainerImage(
    `${stack}-mlflow-image`,
    {
      ...image,
      context: "containers/mlflow",
      version: settings.images.mlflowVersion,
      buildArgs: { MLFLOW_VERSION: settings.images.mlflowVersion },
    },
    opts,
  );
  const nginxImage = new ContainerImage(
    `${stack}-nginx-image`,
    {
      ...image,
      context: "containers/nginx",
      version: settings.images.nginxVersion,
      buildArgs: { NGINX_VERSION: settings.images.nginxVersion },
    },
    opts,
  );

  const privateHostname = settings.privateLink ? `mlflow.${stack}.internal` : undefined;
  const server = new TrackingServer(
    `${stack}-mlflow`,
    {
      ...settings.server,
      privateHostname,
      network: mlopsNetwork,
      region,
      accountId,
      mlflowImage,
      nginxImage,
      database,
      artifacts,
      kmsKeyArn: key.arn,
      logRetentionDays,
      protect,
      forceDestroy,
    },
    opts,
  );

  const apiArgs = {
    ...settings.api,
    network: mlopsNetwork,
    target: server.endpoint,
    logRetentionDays,
    kmsKeyArn: key.arn,
  };
  const api = new HttpApi(`${stack}-api`, apiArgs, opts);
  // One route has one way to sign in, so callers with tokens have an API of their own.
  const tokenApi =
    settings.tokens &&
    new HttpApi(
      `${stack}-token-api`,
      { ...apiArgs, tokens: settings.tokens, managedPolicies: false },
      opts,
    );

  const serving = new ModelServing(
    `${stack}-model`,
    {
      models: settings.models,
      mlflowVersion: settings.images.mlflowVersion,
      region,
      accountId,
      network: sagemakerNetwork,
      artifacts,
      kmsKeyArn: key.arn,
      logRetentionDays,
      forceDestroy,
    },
    opts,
  );
  if (settings.models.length > 0) {
    new PredictRoute(
      `${stack}-predict`,
      {
        api,
        endpoints: serving.endpoints,
        code: bundle(),
        logRetentionDays,
        kmsKeyArn: key.arn,
      },
      opts,
    );
  }

  const privateLink =
    privateHostname && server.loadBalancer
      ? new PrivateLink(
          `${stack}-link`,
          {
            hostname: privateHostname,
            accountId,
            serverNetwork: mlopsNetwork,
            loadBalancer: server.loadBalancer,
            healthCheckPath: server.healthCheckPath,
            clientNetwork: sagemakerNetwork,
            clientCidrBlock: settings.network.sagemakerVpcCidr,
            endpointZoneCount: settings.network.egressZoneCount,
            protect,
          },
          opts,
        )
      : undefined;
  const workbench =
    settings.workbench && privateLink
      ? new Workbench(
          `${stack}-workbench`,
          {
            ...settings.workbench,
            environment: privateConnection(privateLink.url),
            network: sagemakerNetwork,
            trackingServer: privateLink,
            endpointArns: serving.endpoints.map(({ endpointArn }) => endpointArn),
            region,
            accountId,
            // A key of its own: whoever has a notebook may decrypt with it.
            kmsKeyArn: new EncryptionKey(
              `${stack}-workbench`,
              { description: `Notebooks, ${stack}`, accountId, region, protect },
              opts,
            ).arn,
            protect,
            forceDestroy,
          },
          opts,
        )
      : undefined;

  return {
    /** MLFLOW_TRACKING_URI of this environment. */
    trackingUri: api.url,
    /** Environment of an MLflow client, as "npm run connect" prints it. */
    connection: connection(api.url),
    /** The same for callers with a token of the identity provider, where one is set. */
    ...(tokenApi && { tokenTrackingUri: tokenApi.url }),
    /** IAM policy documents for the users of the API. */
    readerPolicy: api.readerPolicy,
    writerPolicy: api.writerPolicy,
    callerPolicy: api.callerPolicy,
    /** SageMaker endpoint of each model. */
    endpoints: Object.fromEntries(
      serving.endpoints.map(({ model, endpointName }) => [model.name, endpointName]),
    ),
    /** OpenAPI description of the API. Marked as secret only lest every "pulumi up" prints its 80 KB. */
    openapi: pulumi.secret(
      pulumi.jsonStringify(
        api.url.apply((url) =>
          openApi({
            url,
            models: settings.models.map(({ name, version, serving: { kind } }) => ({
              name,
              version,
              serving: kind,
            })),
          }),
        ),
      ),
    ),
    /** "connection" for clients in the SageMaker VPC, by PrivateLink. */
    ...(privateLink && { privateConnection: privateConnection(privateLink.url) }),
    ...(workbench && { workbenchDomainId: workbench.domainId }),
    artifactBucket: artifacts.bucketName,
    databaseHost: database.host,
    databaseSecretArn: database.secretArn,
    mlopsVpcId: mlopsNetwork.vpcId,
    sagemakerVpcId: sagemakerNetwork.vpcId,
    sagemakerSubnetIds: sagemakerNetwork.privateSubnetIds,
  };
};
