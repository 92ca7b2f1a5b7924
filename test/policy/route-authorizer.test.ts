import { routeAuthorizer } from "../../policy/rules/route-authorizer";
import { later, resource } from "./stacks";
import { type Row, table } from "./table";

const route = (routeKey: string, authorizationType?: unknown) =>
  resource("aws:apigatewayv2/route:Route")("it", { routeKey, authorizationType });
const method = (httpMethod: string, authorization?: unknown) =>
  resource("aws:apigateway/method:Method")("it", { httpMethod, authorization });
const url = (authorizationType: unknown) =>
  resource("aws:lambda/functionUrl:FunctionUrl")("it", { authorizationType });
const api = (inputs: object) => resource("aws:apigatewayv2/api:Api")("it", { ...inputs });

const rows: Row[] = [
  { name: "route with IAM", stack: [route("ANY /{proxy+}", "AWS_IAM")] },
  { name: "route with JWT", stack: [route("GET /", "JWT")] },
  { name: "route of a preflight", stack: [route("OPTIONS /{proxy+}")] },
  { name: "disconnect route", stack: [route("$disconnect")] },
  { name: "route without", stack: [route("ANY /{proxy+}")], fail: ["it"] },
  { name: "default route without", stack: [route("$default")], fail: ["it"] },
  { name: "route with NONE", stack: [route("POST /predict", "NONE")], fail: ["it"] },
  {
    name: "route not known yet",
    stack: [route("GET /", later("AWS_IAM", "other"))],
    fail: ["it"],
    modes: ["preview"],
  },
  { name: "a path that only mentions OPTIONS", stack: [route("GET /OPTIONS /")], fail: ["it"] },
  { name: "method with IAM", stack: [method("GET", "AWS_IAM")] },
  { name: "method with NONE", stack: [method("GET", "NONE")], fail: ["it"] },
  { name: "method of a preflight", stack: [method("OPTIONS", "NONE")] },
  { name: "function URL with IAM", stack: [url("AWS_IAM")] },
  { name: "function URL with NONE", stack: [url("NONE")], fail: ["it"] },
  { name: "API with declared routes", stack: [api({ protocolType: "HTTP" })] },
  { name: "API that makes its own route", stack: [api({ target: "arn:x" })], fail: ["it"] },
];

describe("route-authorizer", () => table([routeAuthorizer], rows));
