import { ComputedOutputs } from "./engine";
import { UNKNOWN } from "./registration";

/**
 * Stands in for the provider functions that the program calls. What depends on the account is unknown,
 * or made up where the program needs it to go on: the zones of the region.
 *
 * @throws Error for a function that it does not know, so that a new call is not passed over
 */
export function answer(
  token: string,
  inputs: Record<string, unknown>,
  computed: ComputedOutputs,
): Record<string, unknown> {
  const value = (madeUp: string) => (computed === "unknown" ? UNKNOWN : madeUp);
  switch (token) {
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return {
        id: value(ACCOUNT),
        accountId: value(ACCOUNT),
        arn: value(`arn:aws:iam::${ACCOUNT}:user/nobody`),
        userId: value("AIDA"),
      };
    case "aws:index/getAvailabilityZones:getAvailabilityZones":
      return zones(inputs);
    case "aws:ecr/getAuthorizationToken:getAuthorizationToken":
      return { userName: "AWS", password: value("made-up"), authorizationToken: value("made-up") };
    default: {
      const details = `no stand-in for ${token}: add one to offline/invokes.ts`;
      // The SDK passes on the "details" of an error, as those of gRPC have them.
      throw Object.assign(new Error(details), { details });
    }
  }
}

/** The account number that AWS itself uses in examples. */
export const ACCOUNT = "123456789012";

/** The zones that were asked for by id, or four; their names differ from account to account. */
function zones(inputs: Record<string, unknown>): Record<string, unknown> {
  const filters = (inputs.filters ?? []) as { name: string; values: string[] }[];
  const zoneIds = filters.find((filter) => filter.name === "zone-id")?.values ?? [
    "zone-az1",
    "zone-az2",
    "zone-az3",
    "zone-az4",
  ];
  return { id: "zones", zoneIds, names: zoneIds.map((_, i) => `zone-${"abcdef"[i]}`) };
}
