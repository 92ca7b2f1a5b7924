import * as pulumi from "@pulumi/pulumi";
import { PolicyStatement } from "./policy-document";

export interface WorkbenchUser {
  readonly userName: string;
  readonly domainId: pulumi.Input<string>;
  readonly region: string;
  readonly accountId: pulumi.Input<string>;
  /** SageMaker endpoints that the user's code may call. */
  readonly endpointArns: readonly pulumi.Input<string>[];
  /** KMS key of the domain. */
  readonly kmsKeyArn: pulumi.Input<string>;
}

/** Listing, which no ARN narrows down: names and states, no contents. */
const LIST_STUDIO: PolicyStatement = {
  Sid: "ListStudio",
  Effect: "Allow",
  Action: [
    "sagemaker:ListApps",
    "sagemaker:ListDomains",
    "sagemaker:ListSpaces",
    "sagemaker:ListUserProfiles",
  ],
  Resource: "*",
};

/** What a profile without a role of its own may do in a domain: look. */
export function visitorStatements(): PolicyStatement[] {
  return [LIST_STUDIO];
}

/**
 * What the pages of Studio and the code in the notebooks may do on one user's behalf: run private
 * spaces that are the user's own, and call the endpoints. Not what is in MLflow or S3: MLflow is
 * reached by the network, and hands out the addresses of artifacts.
 * https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-jl-admin-guide-permissions.html
 */
export function userStatements(user: WorkbenchUser): PolicyStatement[] {
  const arn = (type: string, path: pulumi.Input<string>) =>
    pulumi.interpolate`arn:aws:sagemaker:${user.region}:${user.accountId}:${type}/${path}`;
  const profile = arn("user-profile", pulumi.interpolate`${user.domainId}/${user.userName}`);
  const spaces = arn("space", pulumi.interpolate`${user.domainId}/*`);
  const apps = arn("app", pulumi.interpolate`${user.domainId}/*`);
  const logGroup = pulumi.interpolate`arn:aws:logs:${user.region}:${user.accountId}:log-group:/aws/sagemaker/studio`;

  const statements: PolicyStatement[] = [
    LIST_STUDIO,
    {
      Sid: "OpenStudio",
      Effect: "Allow",
      Action: ["sagemaker:CreatePresignedDomainUrl", "sagemaker:DescribeUserProfile"],
      Resource: profile,
    },
    {
      Sid: "SeeThisDomain",
      Effect: "Allow",
      Action: ["sagemaker:DescribeApp", "sagemaker:DescribeDomain", "sagemaker:DescribeSpace"],
      Resource: [arn("domain", user.domainId), spaces, apps],
    },
    {
      Sid: "RunOwnSpaces",
      Effect: "Allow",
      Action: [
        "sagemaker:CreateApp",
        "sagemaker:CreateSpace",
        "sagemaker:DeleteApp",
        "sagemaker:DeleteSpace",
        "sagemaker:UpdateSpace",
      ],
      Resource: [spaces, apps],
      Condition: {
        ArnLike: { "sagemaker:OwnerUserProfileArn": profile },
        StringEquals: { "sagemaker:SpaceSharingType": "Private" },
      },
    },
    {
      // Studio tags what it creates, and is refused if it may not.
      Sid: "TagWhatIsCreated",
      Effect: "Allow",
      Action: "sagemaker:AddTags",
      Resource: [spaces, apps],
      Condition: { Null: { "sagemaker:TaggingAction": "false" } },
    },
    {
      // A space's volume. No condition: AWS does not say which one SageMaker's call for it fulfils,
      // and a space without its volume does not start.
      // https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
      Sid: "EncryptVolumes",
      Effect: "Allow",
      Action: [
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKeyWithoutPlaintext",
      ],
      Resource: user.kmsKeyArn,
    },
    {
      Sid: "WriteLogsOfThisDomain",
      Effect: "Allow",
      Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: pulumi.interpolate`${logGroup}:log-stream:${user.domainId}/*`,
    },
    {
      // One group serves all domains of the account and region, so none of them can own it.
      Sid: "MakeTheLogGroup",
      Effect: "Allow",
      Action: ["logs:CreateLogGroup", "logs:DescribeLogStreams"],
      Resource: [logGroup, pulumi.interpolate`${logGroup}:*`],
    },
  ];
  if (user.endpointArns.length > 0) {
    statements.push({
      Sid: "CallModels",
      Effect: "Allow",
      Action: "sagemaker:InvokeEndpoint",
      Resource: [...user.endpointArns],
    });
  }
  return statements;
}
