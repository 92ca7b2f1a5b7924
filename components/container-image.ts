import * as aws from "@pulumi/aws";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface ContainerImageArgs {
  /** Folder with the Dockerfile and all that it copies. */
  readonly context: string;
  /** Release of what is inside; the tag begins with it. */
  readonly version: string;
  /** Values of the Dockerfile's `ARG`s. */
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly cpuArchitecture: "ARM64" | "X86_64";
  /** KMS key that encrypts the repository. */
  readonly kmsKeyArn: pulumi.Input<string>;
  /** Let `pulumi destroy` delete the repository with its images. */
  readonly forceDestroy: boolean;
}

/** Images kept in a repository: enough to roll back, few enough to pay for. */
const KEPT_IMAGES = 20;

/**
 * An ECR repository, and an image built from a folder, pushed there and known by its digest.
 *
 * The tag is the release and a hash of the folder. Tags can not be moved, so a changed folder is a
 * new tag, and a tag that was reviewed is what runs.
 *
 * @throws Error when the folder holds no Dockerfile
 */
export class ContainerImage extends pulumi.ComponentResource {
  /** The image as `repository@sha256:…`. */
  public readonly reference: pulumi.Output<string>;
  public readonly repositoryArn: pulumi.Output<string>;

  constructor(name: string, args: ContainerImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:ContainerImage", name, {}, opts);
    const dockerfile = join(args.context, "Dockerfile");
    if (!existsSync(dockerfile)) throw new Error(`context: there is no ${dockerfile}`);

    const repository = new aws.ecr.Repository(
      `${name}-repository`,
      {
        imageTagMutability: "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfigurations: [{ encryptionType: "KMS", kmsKey: args.kmsKeyArn }],
        forceDelete: args.forceDestroy,
      },
      { parent: this },
    );
    new aws.ecr.LifecyclePolicy(
      `${name}-lifecycle`,
      {
        repository: repository.name,
        policy: JSON.stringify({
          rules: [
            {
              rulePriority: 1,
              description: `Keep the last ${KEPT_IMAGES} images`,
              selection: {
                tagStatus: "any",
                countType: "imageCountMoreThan",
                countNumber: KEPT_IMAGES,
              },
              action: { type: "expire" },
            },
          ],
        }),
      },
      { parent: this },
    );

    const token = aws.ecr.getAuthorizationTokenOutput(
      { registryId: repository.registryId },
      { parent: this },
    );
    const image = new docker.Image(
      `${name}-build`,
      {
        imageName: pulumi.interpolate`${repository.repositoryUrl}:${args.version}-${hashFolder(args)}`,
        build: {
          context: args.context,
          dockerfile,
          platform: args.cpuArchitecture === "ARM64" ? "linux/arm64" : "linux/amd64",
          args: { ...args.buildArgs },
        },
        registry: {
          server: repository.repositoryUrl,
          username: token.userName,
          password: pulumi.secret(token.password),
        },
      },
      { parent: this },
    );

    this.reference = image.repoDigest;
    this.repositoryArn = repository.arn;
    this.registerOutputs({ reference: this.reference, repositoryArn: this.repositoryArn });
  }
}

/** Twelve hex digits that change when a file, its name, a build argument or the processor does. */
function hashFolder(args: ContainerImageArgs): string {
  const hash = createHash("sha256").update(
    JSON.stringify([args.cpuArchitecture, Object.entries(args.buildArgs).sort()]),
  );
  const files = readdirSync(args.context, { recursive: true, withFileTypes: true })
    // Python leaves these behind where the code has been run.
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("__pycache__"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 12);
}
