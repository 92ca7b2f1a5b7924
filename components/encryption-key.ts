import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { policyDocument } from "./policy-document";

export interface EncryptionKeyArgs {
  /** What the key is for, as the KMS console shows it. */
  readonly description: string;
  /** Account that owns the key, and region that it is in: CloudWatch Logs may use it for their logs. */
  readonly accountId: pulumi.Input<string>;
  readonly region: string;
  /** Refuse to delete the key. */
  readonly protect: boolean;
}

/**
 * A KMS key for the data of one environment, rotated every year, with an alias.
 *
 * The account's IAM policies say who may use it. CloudWatch Logs is the one service that needs to be
 * named in the key's own policy.
 */
export class EncryptionKey extends pulumi.ComponentResource {
  public readonly arn: pulumi.Output<string>;

  constructor(name: string, args: EncryptionKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:EncryptionKey", name, {}, opts);

    const key = new aws.kms.Key(
      `${name}-key`,
      {
        description: args.description,
        enableKeyRotation: true,
        // The longest that KMS offers: a key that is gone takes all its data with it.
        deletionWindowInDays: 30,
        policy: keyPolicy(args.accountId, args.region),
      },
      { parent: this, protect: args.protect },
    );
    new aws.kms.Alias(
      `${name}-alias`,
      { name: `alias/${name}`, targetKeyId: key.keyId },
      { parent: this },
    );

    this.arn = key.arn;
    this.registerOutputs({ arn: this.arn });
  }
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html */
function keyPolicy(accountId: pulumi.Input<string>, region: string): pulumi.Output<string> {
  return policyDocument([
    {
      Sid: "IamPoliciesOfThisAccountDecide",
      Effect: "Allow",
      Principal: { AWS: pulumi.interpolate`arn:aws:iam::${accountId}:root` },
      Action: "kms:*",
      Resource: "*",
    },
    {
      Sid: "LogsOfThisAccount",
      Effect: "Allow",
      Principal: { Service: `logs.${region}.amazonaws.com` },
      Action: [
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:Describe*",
      ],
      Resource: "*",
      Condition: {
        ArnLike: {
          "kms:EncryptionContext:aws:logs:arn": pulumi.interpolate`arn:aws:logs:${region}:${accountId}:log-group:*`,
        },
      },
    },
  ]);
}
