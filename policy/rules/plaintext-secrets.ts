import type { ResourceValidationPolicy } from "@pulumi/policy";

import { containersOf } from "../lib/containers";
import { resourcesOf } from "../lib/policy";
import { at, isObject, list, type Value, type Values } from "../lib/values";

/** A name and its value, as a plain setting of a resource. */
type Setting = readonly [name: string, value: Value];

/** Per type, the settings that anyone who may describe the resource can read. */
const PLAIN_SETTINGS: Readonly<Record<string, (properties: Values) => Setting[]>> = {
  "aws:ecs/taskDefinition:TaskDefinition": (properties) =>
    containersOf(properties["containerDefinitions"]).flatMap((container) =>
      pairs(container["environment"]),
    ),
  "aws:lambda/function:Function": (properties) => entries(at(properties, "environment.variables")),
  "aws:sagemaker/model:Model": (properties) =>
    [...list(properties["primaryContainer"]), ...list(properties["containers"])].flatMap(
      (container) => (isObject(container) ? entries(container["environment"]) : []),
    ),
  "aws:codebuild/project:Project": (properties) =>
    pairs(
      list(at(properties, "environment.environmentVariables")).filter(
        (variable) => isObject(variable) && (variable["type"] ?? "PLAINTEXT") === "PLAINTEXT",
      ),
    ),
  "aws:apprunner/service:Service": (properties) =>
    entries(
      at(
        properties,
        "sourceConfiguration.imageRepository.imageConfiguration.runtimeEnvironmentVariables",
      ),
    ),
  "aws:ssm/parameter:Parameter": (properties) => {
    const name = typeof properties["name"] === "string" ? properties["name"] : "";
    if (properties["type"] === "SecureString") return [];
    return [
      [name, properties["value"]],
      [name, properties["insecureValue"]],
    ];
  },
};

/** A name whose last word says that the value is a secret: DB_PASSWORD, api-key, githubToken. */
const SECRET_NAME =
  /(^|[^a-z])(passwords?|passwd|passphrase|secrets?|tokens?|credentials?|(api|access|private|secret|encryption|signing)[^a-z]?keys?)\d*$/i;

/** Values that are secrets whatever their name: AWS keys, private keys, URLs with a password. */
const SECRET_VALUE =
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:[^\s/@]+@/;

/** Values that only point at a secret, switch something, or are empty. */
const HARMLESS_VALUE = /^(arn:aws[\w-]*:.*|\/.*|\{\{.*\}\}|true|false|yes|no|none|)$/i;

export const plaintextSecrets: ResourceValidationPolicy = {
  name: "plaintext-secrets",
  description: "A secret must not stand in a plain setting.",
  enforcementLevel: "mandatory",
  severity: "critical",
  tags: ["secrets"],
  remediationSteps:
    "Keep the secret in Secrets Manager or as a SecureString, and pass its ARN: in ECS by secrets, in " +
    "Lambda and SageMaker by reading it at run time.",
  url: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html",

  validateResource: resourcesOf(Object.keys(PLAIN_SETTINGS), (properties, report, args) => {
    for (const [name, value] of PLAIN_SETTINGS[args.type]!(properties)) {
      // Never the value: it would end up in the log of every preview.
      if (isSecret(name, value)) {
        report(`"${args.name}" holds a secret in plain setting ${name}. Refer to a secret store.`);
      }
    }
  }),
};

function isSecret(name: string, value: Value): boolean {
  if (typeof value !== "string") return false;
  return SECRET_VALUE.test(value) || (isSecretName(name) && !HARMLESS_VALUE.test(value));
}

function isSecretName(name: string): boolean {
  // dbPassword reads as db_Password.
  return SECRET_NAME.test(name.replace(/([a-z\d])([A-Z])/g, "$1_$2"));
}

function pairs(variables: Value): Setting[] {
  return list(variables).flatMap((variable): Setting[] => {
    if (!isObject(variable) || typeof variable["name"] !== "string") return [];
    return [[variable["name"], variable["value"]]];
  });
}

function entries(variables: Value): Setting[] {
  return isObject(variables) ? Object.entries(variables) : [];
}
