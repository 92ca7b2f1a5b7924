import * as pulumi from "@pulumi/pulumi";
import { PrivateBucket } from "./private-bucket";

/** Folder of the requests and answers that endpoints capture, beside the artifacts. */
export const CAPTURE_FOLDER = "data-capture";

export interface ArtifactStoreArgs {
  /** KMS key that encrypts every artifact. */
  readonly kmsKeyArn: pulumi.Input<string>;
  /** Days that captured requests are kept. */
  readonly captureRetentionDays: number;
  /** Refuse to delete the bucket. */
  readonly protect: boolean;
  /** Let `pulumi destroy` delete the bucket with all artifacts. */
  readonly forceDestroy: boolean;
}

/** The bucket of all MLflow artifacts (models, plots, data that a run logs) and of captured requests. */
export class ArtifactStore extends pulumi.ComponentResource {
  public readonly bucketName: pulumi.Output<string>;
  public readonly bucketArn: pulumi.Output<string>;

  constructor(name: string, args: ArtifactStoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:ArtifactStore", name, {}, opts);

    const bucket = new PrivateBucket(
      name,
      {
        kmsKeyArn: args.kmsKeyArn,
        expiringFolders: { [CAPTURE_FOLDER]: args.captureRetentionDays },
        keepNoncurrentDays: 90,
        protect: args.protect,
        forceDestroy: args.forceDestroy,
        statements: (bucketArn) => [
          {
            // An upload that names an encryption at all must name this key. "Null … false" leaves
            // uploads alone that name none: the bucket's default, this key, applies to them.
            Sid: "ThisKeyOnly",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:PutObject",
            Resource: pulumi.interpolate`${bucketArn}/*`,
            Condition: {
              Null: { "s3:x-amz-server-side-encryption": "false" },
              StringNotEquals: {
                "s3:x-amz-server-side-encryption-aws-kms-key-id": args.kmsKeyArn,
              },
            },
          },
        ],
      },
      { parent: this },
    );

    this.bucketName = bucket.bucketName;
    this.bucketArn = bucket.arn;
    this.registerOutputs({ bucketName: this.bucketName, bucketArn: this.bucketArn });
  }
}
