import type { ResourceValidationPolicy } from "@pulumi/policy";

import { resourcesOf } from "../lib/policy";
import { isUnset, UNKNOWN, type Value, type Values } from "../lib/values";

/** Per type, why anyone may call it; nothing when callers must identify themselves. */
const CHECKS: Readonly<Record<string, (properties: Values) => string | undefined>> = {
  "aws:apigatewayv2/route:Route": ({ routeKey, authorizationType }) =>
    isPreflight(routeKey) || isAuthorized(authorizationType)
      ? undefined
      : "has no authorizer. Set authorizationType, to AWS_IAM for instance.",
  "aws:apigatewayv2/api:Api": ({ target }) =>
    isUnset(target)
      ? undefined
      : "creates a route without an authorizer by its target. Declare the routes.",
  "aws:apigateway/method:Method": ({ httpMethod, authorization }) =>
    httpMethod === "OPTIONS" || isAuthorized(authorization)
      ? undefined
      : "has no authorizer. Set authorization, to AWS_IAM for instance.",
  "aws:lambda/functionUrl:FunctionUrl": ({ authorizationType }) =>
    isAuthorized(authorizationType)
      ? undefined
      : "can be called by anyone. Set authorizationType to AWS_IAM.",
};

export const routeAuthorizer: ResourceValidationPolicy = {
  name: "route-authorizer",
  description: "Every API route must know its caller.",
  enforcementLevel: "mandatory",
  severity: "critical",
  tags: ["api"],
  remediationSteps:
    "Set AWS_IAM, JWT or a Lambda authorizer on each route. Preflight (OPTIONS) and the disconnect route of " +
    "a WebSocket API cannot have one and need none.",
  url: "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html",

  validateResource: resourcesOf(Object.keys(CHECKS), (properties, report, args) => {
    const problem = CHECKS[args.type]!(properties);
    if (problem) report(`"${args.name}" ${problem}`);
  }),
};

/** Routes that the service itself calls, or a browser before it may send credentials. */
function isPreflight(routeKey: Value): boolean {
  return typeof routeKey === "string" && /^(OPTIONS |\$disconnect$)/.test(routeKey);
}

function isAuthorized(type: Value): boolean {
  return type !== UNKNOWN && !isUnset(type) && type !== "NONE";
}
