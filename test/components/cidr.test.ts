import assert from "node:assert/strict";
import { isPrivate, overlaps, parseIpv4Block } from "../../components/cidr";

const block = (text: string) => parseIpv4Block(text)!;

describe("IPv4 blocks", () => {
  it("are read as numbers", () => {
    assert.deepEqual(parseIpv4Block("10.1.0.0/16"), {
      first: 10 * 2 ** 24 + 2 ** 16,
      size: 65536,
      prefix: 16,
    });
    assert.equal(block("0.0.0.0/0").size, 2 ** 32);
    assert.equal(block("255.255.255.255/32").size, 1);
  });

  for (const text of [
    "",
    "10.0.0.0",
    "10.0.0/16",
    "10.0.0.0/33",
    "10.0.0.256/32",
    "10.0.0.1/16",
    " 10.0.0.0/16",
    "10.0.0.0/16 ",
    "fd00::/8",
  ]) {
    it(`are not written "${text}"`, () => assert.equal(parseIpv4Block(text), undefined));
  }

  it("overlap when one holds the other, in either order, and not when they touch", () => {
    const pairs: [string, string, boolean][] = [
      ["10.0.0.0/16", "10.0.0.0/16", true],
      ["10.0.0.0/16", "10.0.128.0/17", true],
      ["10.0.0.0/16", "10.1.0.0/16", false],
      ["10.0.0.0/15", "10.1.0.0/16", true],
    ];
    for (const [one, other, expected] of pairs) {
      assert.equal(overlaps(block(one), block(other)), expected, `${one} ${other}`);
      assert.equal(overlaps(block(other), block(one)), expected, `${other} ${one}`);
    }
  });

  it("are private when all of them is", () => {
    for (const text of ["10.0.0.0/8", "172.16.0.0/12", "172.31.255.0/24", "192.168.1.0/24"]) {
      assert.equal(isPrivate(block(text)), true, text);
    }
    for (const text of [
      "10.0.0.0/7",
      "172.32.0.0/16",
      "11.0.0.0/8",
      "0.0.0.0/0",
      "100.64.0.0/10",
    ]) {
      assert.equal(isPrivate(block(text)), false, text);
    }
  });
});
