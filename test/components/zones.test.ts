import assert from "node:assert/strict";
import { pickZones, Zone } from "../../components/zones";

const ZONES: Zone[] = ["use1-az6", "use1-az1", "use1-az3", "use1-az2"].map((id, i) => ({
  id,
  name: `us-east-1${"abcd"[i]}`,
}));

describe("pickZones", () => {
  it("takes the first zones by id, but none without VPC links", () => {
    assert.deepEqual(pickZones({ count: 3, ids: [] }, ZONES), [
      "us-east-1b",
      "us-east-1d",
      "us-east-1a",
    ]);
  });

  it("takes the zones that are named, in their order", () => {
    const ids = ["use1-az6", "use1-az2"];
    assert.deepEqual(pickZones({ count: 2, ids }, ZONES), ["us-east-1a", "us-east-1d"]);
  });

  it("refuses a zone without VPC links", () => {
    assert.throws(
      () => pickZones({ count: 2, ids: ["use1-az1", "use1-az3"] }, ZONES),
      /use1-az3, which carries no API Gateway VPC links: use use1-az6, use1-az1, use1-az2/,
    );
  });

  it("refuses a zone of another region", () => {
    assert.throws(
      () => pickZones({ count: 2, ids: ["use1-az1", "euw1-az1"] }, ZONES),
      /euw1-az1, which is not in this region or account/,
    );
  });

  it("refuses a region with too few zones", () => {
    assert.throws(() => pickZones({ count: 4, ids: [] }, ZONES), /zoneCount is 4.*offers 3/);
  });
});
