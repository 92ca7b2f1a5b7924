import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** A zone as one account sees it: the same id has another name in another account. */
export interface Zone {
  readonly name: string;
  readonly id: string;
}

/**
 * Zones in which API Gateway can not place a VPC link.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-links-v2.html
 */
const WITHOUT_VPC_LINKS = [
  "use1-az3",
  "usw1-az2",
  "ape1-az1",
  "apne1-az3",
  "apne2-az4",
  "cac1-az4",
  "euw2-az4",
  "euw3-az2",
];

export interface ZoneChoice {
  readonly count: number;
  /** Zone ids, in order of preference; empty for any. */
  readonly ids: readonly string[];
}

/** Asks AWS for the account's zones and picks from them as {@link pickZones} does. */
export async function findZones(choice: ZoneChoice, opts: pulumi.InvokeOptions): Promise<string[]> {
  const filter =
    choice.ids.length > 0
      ? { name: "zone-id", values: [...choice.ids] }
      : // Leaves out local and wavelength zones.
        { name: "opt-in-status", values: ["opt-in-not-required"] };
  const answer = await aws.getAvailabilityZones({ state: "available", filters: [filter] }, opts);
  const zones = answer.names.map((name, i) => ({ name, id: answer.zoneIds[i] ?? "" }));
  return pickZones(choice, zones);
}

/**
 * Names of the chosen zones, in the order of the ids asked for.
 *
 * @throws RunError when the region has no such zone, or too few
 */
export function pickZones(choice: ZoneChoice, zones: readonly Zone[]): string[] {
  const usable = zones.filter((zone) => !WITHOUT_VPC_LINKS.includes(zone.id));
  const wanted = choice.ids.length > 0 ? choice.ids : usable.map((zone) => zone.id).sort();
  const picked = wanted.slice(0, choice.count).map((id) => {
    const zone = usable.find((candidate) => candidate.id === id);
    if (zone) return zone.name;
    const reason = zones.some((candidate) => candidate.id === id)
      ? "carries no API Gateway VPC links"
      : "is not in this region or account";
    const others = usable.map((candidate) => candidate.id).join(", ");
    throw new pulumi.RunError(`mlops:zoneIds names ${id}, which ${reason}: use ${others}.`);
  });
  if (picked.length < choice.count) {
    throw new pulumi.RunError(
      `mlops:zoneCount is ${choice.count}, but the region offers ${picked.length} usable zone(s): lower it, or choose another region.`,
    );
  }
  return picked;
}
