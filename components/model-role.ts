import * as pulumi from "@pulumi/pulumi";
import { PolicyStatement } from "./policy-document";
import { ServiceRole, serviceRole } from "./service-role";
import { artifactKeyStatement, pullStatements } from "./shared-statements";

export interface ModelRoleArgs {
  readonly region: string;
  readonly accountId: pulumi.Input<string>;
  /** Repository of the model's image. */
  readonly repositoryArn: pulumi.Input<string>;
  readonly bucketArn: pulumi.Input<string>;
  /** Folder in the bucket that holds the model. @default none is read */
  readonly artifactPath?: string;
  /** Folder in the bucket that requests and answers are captured to. @default nothing is written */
  readonly capturePath?: string;
  /** KMS key of the bucket and of the instances' volumes. */
  readonly kmsKeyArn: pulumi.Input<string>;
  readonly logGroupArn: pulumi.Input<string>;
  /** Alarms that may take an update back. */
  readonly alarmArns: readonly pulumi.Input<string>[];
  /** Whether the endpoint's instances stand in a VPC of the account. */
  readonly inVpc: boolean;
}

/**
 * The role that SageMaker takes to run one endpoint: this image, this model, these logs.
 * https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html, CreateModel and CreateEndpoint
 */
export function modelRole(
  name: string,
  args: ModelRoleArgs,
  opts: pulumi.CustomResourceOptions,
): ServiceRole {
  return serviceRole(
    name,
    {
      service: "sagemaker.amazonaws.com",
      accountId: args.accountId,
      statements: [
        ...pullStatements([args.repositoryArn]),
        {
          Sid: "WriteTheseLogs",
          Effect: "Allow",
          Action: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
          Resource: pulumi.interpolate`${args.logGroupArn}:*`,
        },
        {
          Sid: "WriteMetrics",
          Effect: "Allow",
          Action: "cloudwatch:PutMetricData",
          // Metrics are no resource; their namespace is what can be named.
          Resource: "*",
          Condition: {
            StringLike: { "cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/*"] },
          },
        },
        {
          Sid: "WatchTheseAlarms",
          Effect: "Allow",
          Action: "cloudwatch:DescribeAlarms",
          Resource: args.alarmArns,
        },
        ...keyStatements(args),
        ...(args.artifactPath ? readStatements(args.bucketArn, args.artifactPath) : []),
        ...(args.capturePath
          ? [
              {
                Sid: "CaptureRequests",
                Effect: "Allow",
                Action: "s3:PutObject",
                Resource: pulumi.interpolate`${args.bucketArn}/${args.capturePath}/*`,
              },
            ]
          : []),
        ...(args.inVpc ? networkStatements(args.region, args.accountId) : []),
      ],
    },
    opts,
  );
}

function keyStatements(args: ModelRoleArgs): PolicyStatement[] {
  return [
    artifactKeyStatement(args.kmsKeyArn, args.region),
    {
      Sid: "VolumeKey",
      Effect: "Allow",
      Action: "kms:CreateGrant",
      Resource: args.kmsKeyArn,
      Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
    {
      Sid: "FindVolumeKey",
      Effect: "Allow",
      Action: "kms:DescribeKey",
      Resource: args.kmsKeyArn,
    },
  ];
}

function readStatements(bucketArn: pulumi.Input<string>, path: string): PolicyStatement[] {
  return [
    {
      Sid: "ListThisModel",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: bucketArn,
      Condition: { StringLike: { "s3:prefix": `${path}/*` } },
    },
    {
      Sid: "ReadThisModel",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: pulumi.interpolate`${bucketArn}/${path}/*`,
    },
  ];
}

/** Network interfaces of the instances. AWS names them, so that only their kind can be named here. */
function networkStatements(region: string, accountId: pulumi.Input<string>): PolicyStatement[] {
  const ec2 = (kind: string) => pulumi.interpolate`arn:aws:ec2:${region}:${accountId}:${kind}/*`;
  return [
    {
      Sid: "NetworkInterfaces",
      Effect: "Allow",
      Action: [
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteNetworkInterfacePermission",
      ],
      Resource: [ec2("network-interface"), ec2("subnet"), ec2("security-group")],
    },
    {
      Sid: "FindNetwork",
      Effect: "Allow",
      Action: [
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ],
      // Describing knows no resource.
      Resource: "*",
    },
  ];
}
