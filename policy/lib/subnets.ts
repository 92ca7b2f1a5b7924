import type { PolicyResource } from "@pulumi/policy";

import { Links, setProperties } from "./links";
import { isObject, list } from "./values";

const SUBNET = "aws:ec2/subnet:Subnet";
const ROUTE_TABLE = "aws:ec2/routeTable:RouteTable";
const ROUTE = "aws:ec2/route:Route";
const ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation";
const GATEWAY = "aws:ec2/internetGateway:InternetGateway";

/** The subnets of a stack, and which of them have a way to and from the internet. */
export class Subnets {
  private readonly links: Links;
  private readonly open = new Set<PolicyResource>();

  constructor(resources: readonly PolicyResource[]) {
    const byType = (type: string) => resources.filter((resource) => resource.type === type);
    const subnets = byType(SUBNET);
    this.links = new Links(subnets, ["id"]);
    const gateways = new Links(byType(GATEWAY), ["id"]);
    const tables = new Links(byType(ROUTE_TABLE), ["id"]);

    for (const subnet of subnets) {
      if (setProperties(subnet)["mapPublicIpOnLaunch"] === true) this.open.add(subnet);
    }

    const openTables = new Set<PolicyResource>();
    for (const table of byType(ROUTE_TABLE)) {
      const ids = list(setProperties(table)["routes"]).map((route) =>
        isObject(route) ? route["gatewayId"] : undefined,
      );
      const used = ids.filter((id) => id !== undefined);
      if (gateways.match(table, "routes", used).targets.length > 0) openTables.add(table);
    }
    for (const route of byType(ROUTE)) {
      if (gateways.resolve(route, "gatewayId").targets.length === 0) continue;
      for (const table of tables.resolve(route, "routeTableId").targets) openTables.add(table);
    }
    for (const association of byType(ASSOCIATION)) {
      const { targets } = tables.resolve(association, "routeTableId");
      if (!targets.some((table) => openTables.has(table))) continue;
      for (const subnet of this.links.resolve(association, "subnetId").targets) {
        this.open.add(subnet);
      }
    }
  }

  /** The subnets at a path of a resource that have a way to and from the internet. */
  publicAt(resource: PolicyResource, path: string): PolicyResource[] {
    return this.links.resolve(resource, path).targets.filter((subnet) => this.open.has(subnet));
  }
}
