/** An IPv4 block as the numbers of its first address and of its size. */
export interface Ipv4Block {
  readonly first: number;
  readonly size: number;
  /** Bits of the network part, as behind the slash. */
  readonly prefix: number;
}

const PRIVATE_BLOCKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map((cidr) =>
  parseIpv4Block(cidr)!,
);

/**
 * Reads an IPv4 block such as `10.0.0.0/16`.
 *
 * @returns undefined for anything else, a block with host bits (`10.0.0.1/16`) included: AWS would
 * silently store another block than the one that was written.
 */
export function parseIpv4Block(text: string): Ipv4Block | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!match) return undefined;
  const [a, b, c, d, prefix] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if ([a, b, c, d].some((octet) => octet > 255) || prefix > 32) return undefined;
  const first = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  const size = 2 ** (32 - prefix);
  return first % size === 0 ? { first, size, prefix } : undefined;
}

/** Whether two blocks share an address. */
export function overlaps(one: Ipv4Block, other: Ipv4Block): boolean {
  return one.first < other.first + other.size && other.first < one.first + one.size;
}

/** Whether a block lies wholly in the ranges that RFC 1918 sets aside for private networks. */
export function isPrivate(block: Ipv4Block): boolean {
  return PRIVATE_BLOCKS.some(
    (range) => block.first >= range.first && block.first + block.size <= range.first + range.size,
  );
}
