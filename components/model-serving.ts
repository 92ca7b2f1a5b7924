import * as pulumi from "@pulumi/pulumi";
import { ContainerImage, ContainerImageArgs } from "./container-image";
import { ModelEndpoint, ModelEndpointArgs } from "./model-endpoint";

/** Where a model comes from. */
export type ModelSource =
  /** MLflow's files, in a folder of the artifact bucket, on the platform's own model server. */
  | { readonly kind: "mlflow"; readonly artifactPath: string }
  /** An image in ECR that carries its model, as `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:…`. */
  | { readonly kind: "image"; readonly reference: string }
  /** An image that is built from a folder with a Dockerfile. */
  | { readonly kind: "folder"; readonly path: string };

/** A model and the endpoint that it asks for. */
export interface ServedModel extends Pick<ModelEndpointArgs, "serving" | "alarms"> {
  /** Name in the URL of a request, and in the names of its resources. */
  readonly name: string;
  /** Version in the registry. @default the model is not from there */
  readonly version?: string;
  readonly source: ModelSource;
}

export interface ModelServingArgs extends Omit<
  ModelEndpointArgs,
  "image" | "artifactPath" | "serving" | "alarms"
> {
  readonly models: readonly ServedModel[];
  /** Release of MLflow in the model server. */
  readonly mlflowVersion: string;
  /** Let `pulumi destroy` delete the images. */
  readonly forceDestroy: boolean;
}

/** An endpoint that serves a model. */
export interface ServingEndpoint {
  readonly model: ServedModel;
  readonly endpointName: pulumi.Output<string>;
  readonly endpointArn: pulumi.Output<string>;
}

/** Serverless endpoints run on no other, and every instance type but Graviton's does. */
const CPU_ARCHITECTURE = "X86_64";

/**
 * The models of an environment, each behind an endpoint of its own. A model that comes, goes or
 * changes touches no other one.
 *
 * @throws Error naming the argument when a model's image is not one of ECR by its digest
 */
export class ModelServing extends pulumi.ComponentResource {
  public readonly endpoints: readonly ServingEndpoint[];

  constructor(name: string, args: ModelServingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:ModelServing", name, {}, opts);

    const server = args.models.some(({ source }) => source.kind === "mlflow")
      ? this.build(`${name}-server`, args, {
          context: "containers/model-server",
          version: args.mlflowVersion,
          buildArgs: { MLFLOW_VERSION: args.mlflowVersion },
        })
      : undefined;

    this.endpoints = args.models.map((model) => {
      const endpoint = new ModelEndpoint(
        `${name}-${model.name}`,
        {
          ...args,
          serving: model.serving,
          alarms: model.alarms,
          ...this.contentsOf(model, `${name}-${model.name}`, args, server),
        },
        { parent: this },
      );
      return { model, endpointName: endpoint.endpointName, endpointArn: endpoint.endpointArn };
    });

    this.registerOutputs({
      endpoints: Object.fromEntries(
        this.endpoints.map(({ model, endpointName }) => [model.name, endpointName]),
      ),
    });
  }

  /** The image of a model, and the folder of its files where the image does not carry them. */
  private contentsOf(
    { name: model, source }: ServedModel,
    name: string,
    args: ModelServingArgs,
    server: ContainerImage | undefined,
  ): Pick<ModelEndpointArgs, "image" | "artifactPath"> {
    switch (source.kind) {
      case "mlflow":
        return { image: server!, artifactPath: source.artifactPath };
      case "image":
        return { image: registryImage(source.reference) };
      case "folder":
        return {
          image: this.build(name, args, { context: source.path, version: model, buildArgs: {} }),
        };
    }
  }

  private build(
    name: string,
    args: ModelServingArgs,
    contents: Pick<ContainerImageArgs, "context" | "version" | "buildArgs">,
  ): ContainerImage {
    return new ContainerImage(
      `${name}-image`,
      {
        ...contents,
        cpuArchitecture: CPU_ARCHITECTURE,
        kmsKeyArn: args.kmsKeyArn,
        forceDestroy: args.forceDestroy,
      },
      { parent: this },
    );
  }
}

function registryImage(reference: string): ModelEndpointArgs["image"] {
  const parts = /^(\d+)\.dkr\.ecr\.([^.]+)\.amazonaws\.com\/([^@:]+)@/.exec(reference);
  if (!parts) throw new Error(`models: "${reference}" is no image in ECR by its digest`);
  const [, accountId, region, repository] = parts;
  return {
    reference,
    repositoryArn: `arn:aws:ecr:${region}:${accountId}:repository/${repository}`,
  };
}
