import { Registration } from "./registration";

/** The routes of all APIs, each with the way to sign in and the component that it belongs to. */
export function routes(resources: readonly Registration[]): string[] {
  return table(
    resources
      .filter(({ type }) => type === "aws:apigatewayv2/route:Route")
      .map((route) => [
        text(route.inputs["routeKey"]),
        text(route.inputs["authorizationType"]),
        nameOf(route.parent),
      ]),
  );
}

/** The endpoints of all models, each with what it runs on and how it is updated. */
export function modelEndpoints(resources: readonly Registration[]): string[] {
  return table(
    resources
      .filter(({ type }) => type === "aws:sagemaker/endpoint:Endpoint")
      .map((endpoint) => {
        const beside = resources.filter(({ parent }) => parent === endpoint.parent);
        return [text(endpoint.inputs["name"]), capacity(beside), update(endpoint)];
      }),
  );
}

function capacity(beside: readonly Registration[]): string {
  const inputs = (type: string) => beside.find((resource) => resource.type === type)?.inputs;
  const configuration = inputs("aws:sagemaker/endpointConfiguration:EndpointConfiguration");
  const [variant] = (configuration?.["productionVariants"] ?? []) as {
    instanceType?: string;
    initialInstanceCount?: number;
    serverlessConfig?: { memorySizeInMb: number; maxConcurrency: number };
  }[];
  if (variant?.serverlessConfig) {
    const { memorySizeInMb, maxConcurrency } = variant.serverlessConfig;
    return `serverless, ${memorySizeInMb} MB, ${maxConcurrency} requests at once`;
  }
  const least = text(variant?.initialInstanceCount);
  const scaling = inputs("aws:appautoscaling/target:Target");
  const count = scaling ? `${least} to ${text(scaling["maxCapacity"])}` : least;
  return `${count} × ${text(variant?.instanceType)}`;
}

function update({ inputs }: Registration): string {
  const deployment = inputs["deploymentConfig"] as
    { blueGreenUpdatePolicy: { trafficRoutingConfiguration: { type: string } } } | undefined;
  const type = deployment?.blueGreenUpdatePolicy.trafficRoutingConfiguration.type;
  if (!type) return "updated at once";
  return `updated ${type.toLowerCase().replaceAll("_", " ")}, taken back by alarms`;
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "?";
}

function nameOf(urn: string | undefined): string {
  return urn?.split("::").at(-1) ?? "";
}

function table(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
}
