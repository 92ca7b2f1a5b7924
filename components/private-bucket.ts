import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { policyDocument, PolicyStatement } from "./policy-document";

export interface PrivateBucketArgs {
  /** KMS key of the objects. @default encryption with keys that S3 manages (SSE-S3) */
  readonly kmsKeyArn?: pulumi.Input<string>;
  /** More statements of the bucket's policy, given the bucket's ARN. */
  readonly statements?: (bucketArn: pulumi.Output<string>) => pulumi.Input<PolicyStatement>[];
  /** Days until current objects are deleted. @default never */
  readonly expireAfterDays?: number;
  /** Folders whose objects are deleted after so many days. @default none */
  readonly expiringFolders?: Readonly<Record<string, number>>;
  /** Days that overwritten and deleted objects stay recoverable. */
  readonly keepNoncurrentDays: number;
  /** Refuse to delete the bucket. */
  readonly protect: boolean;
  /** Let `pulumi destroy` delete the bucket with all that is in it. */
  readonly forceDestroy: boolean;
}

/**
 * An S3 bucket that nobody outside the account can reach: public access blocked, ACLs off, TLS only,
 * encrypted, versioned, with abandoned uploads and old versions cleared away.
 */
export class PrivateBucket extends pulumi.ComponentResource {
  public readonly bucketName: pulumi.Output<string>;
  public readonly arn: pulumi.Output<string>;

  constructor(name: string, args: PrivateBucketArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:PrivateBucket", name, {}, opts);

    const bucket = new aws.s3.Bucket(
      `${name}-bucket`,
      { forceDestroy: args.forceDestroy },
      { parent: this, protect: args.protect },
    );
    const publicAccessBlock = new aws.s3.BucketPublicAccessBlock(
      `${name}-public-access-block`,
      {
        bucket: bucket.bucket,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      { parent: this },
    );
    new aws.s3.BucketOwnershipControls(
      `${name}-ownership`,
      { bucket: bucket.bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
      { parent: this },
    );
    const versioning = new aws.s3.BucketVersioning(
      `${name}-versioning`,
      { bucket: bucket.bucket, versioningConfiguration: { status: "Enabled" } },
      { parent: this },
    );
    new aws.s3.BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      {
        bucket: bucket.bucket,
        rules: [
          args.kmsKeyArn
            ? {
                applyServerSideEncryptionByDefault: {
                  sseAlgorithm: "aws:kms",
                  kmsMasterKeyId: args.kmsKeyArn,
                },
                // One data key serves many objects: a fraction of the KMS requests, and of their price.
                bucketKeyEnabled: true,
              }
            : { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } },
        ],
      },
      { parent: this },
    );
    new aws.s3.BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      {
        bucket: bucket.bucket,
        rules: [
          {
            id: "abandoned-uploads",
            status: "Enabled",
            filter: { prefix: "" },
            abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
          },
          {
            id: "old-versions",
            status: "Enabled",
            filter: { prefix: "" },
            noncurrentVersionExpiration: { noncurrentDays: args.keepNoncurrentDays },
            expiration: args.expireAfterDays
              ? { days: args.expireAfterDays }
              : { expiredObjectDeleteMarker: true },
          },
          ...Object.entries(args.expiringFolders ?? {}).map(([folder, days]) => ({
            id: `expire-${folder}`,
            status: "Enabled",
            filter: { prefix: `${folder}/` },
            expiration: { days },
          })),
        ],
      },
      // S3 refuses rules for old versions on a bucket that does not keep any yet.
      { parent: this, dependsOn: versioning },
    );
    const policy = new aws.s3.BucketPolicy(
      `${name}-policy`,
      {
        bucket: bucket.bucket,
        policy: policyDocument([
          {
            Sid: "TlsOnly",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [bucket.arn, pulumi.interpolate`${bucket.arn}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
          ...(args.statements?.(bucket.arn) ?? []),
        ]),
      },
      // Both change the bucket's access settings; S3 refuses one while the other is under way.
      { parent: this, dependsOn: publicAccessBlock },
    );

    // Whoever writes to the bucket does so under its policy.
    this.bucketName = pulumi.all([bucket.bucket, policy.id]).apply(([bucketName]) => bucketName);
    this.arn = bucket.arn;
    this.registerOutputs({ bucketName: this.bucketName, arn: this.arn });
  }
}
