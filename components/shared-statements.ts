import * as pulumi from "@pulumi/pulumi";
import { PolicyStatement } from "./policy-document";

/** The right to pull images from these ECR repositories. */
export function pullStatements(repositoryArns: readonly pulumi.Input<string>[]): PolicyStatement[] {
  return [
    {
      Sid: "RegistryLogin",
      Effect: "Allow",
      Action: "ecr:GetAuthorizationToken",
      // The one ECR action that knows no resource.
      Resource: "*",
    },
    {
      Sid: "PullTheseImages",
      Effect: "Allow",
      Action: [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
      ],
      Resource: repositoryArns,
    },
  ];
}

/** The right to read and write objects of the artifact bucket under its key. */
export function artifactKeyStatement(
  kmsKeyArn: pulumi.Input<string>,
  region: string,
): PolicyStatement {
  return {
    Sid: "ArtifactKey",
    Effect: "Allow",
    Action: ["kms:Decrypt", "kms:GenerateDataKey"],
    Resource: kmsKeyArn,
    Condition: { StringEquals: { "kms:ViaService": `s3.${region}.amazonaws.com` } },
  };
}
