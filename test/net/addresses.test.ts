import fc from "fast-check";
import { canonicalAddress, canonicalRange } from "../../src/net/addresses";
import { sqlAsOwner, useDatabase } from "../support/database";

beforeAll(useDatabase);

const SPELLINGS = ["198.51.100.9", "::ffff:198.51.100.9", "::ffff:c633:6409", "::FFFF:C633:6409"];

it.each([...SPELLINGS, "0:0:0:0:0:ffff:198.51.100.9", "0:0:0:0:0:ffff:c633:6409"])(
  "R5: %s is the IPv4 address 198.51.100.9",
  (text) => {
    expect(canonicalAddress(text)).toBe("198.51.100.9");
    expect(canonicalRange(`${text}/${text.includes(":") ? 128 : 32}`)).toBe("198.51.100.9/32");
  },
);

it.each([
  ...["010.0.0.1", "0x7f.0.0.1", "127.1", "2130706433", "fe80::1%eth0", "::ffff:1.2.3.4%1"],
  ...["", " 1.2.3.4", "1.2.3.4 ", "1.2.3.256", "1::2::3", "::ffff:1.2.3", "localhost", "[::1]"],
])("R5: '%s' is no address", (text) => {
  expect([canonicalAddress(text), canonicalRange(text)]).toEqual([null, null]);
});

it.each([
  ...["10.0.0.1/8", "2001:db8::1/32", "10.0.0.0/33", "2001:db8::/129", "10.0.0.0/-1"],
  ...["10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/8.0", "::ffff:10.0.0.0/8", "10.0.0.0/255.0.0.0"],
])("R5: %s is no range", (text) => expect(canonicalRange(text)).toBeNull());

it("R5: a mapped range is the IPv4 range", () => {
  expect(canonicalRange("::ffff:10.0.0.0/104")).toBe("10.0.0.0/8");
  expect(canonicalRange("2001:DB8:0:0::/32")).toBe("2001:db8::/32");
});

it("R5: an IPv4-compatible address is IPv6, and no IPv4 address", () => {
  expect(canonicalAddress("::198.51.100.9")).toBe("::c633:6409");
  expect(canonicalRange("::198.51.100.9/128")).toBe("::c633:6409/128");
});

it("R5: agrees with PostgreSQL about addresses and ranges", async () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  const ipv6 = fc
    .array(group, { minLength: 8, maxLength: 8 })
    .map((groups) => groups.map((one) => one.toString(16).toUpperCase()).join(":"));
  const address = fc.oneof(fc.ipV4(), fc.ipV6(), ipv6);
  const cases = fc.sample(fc.tuple(address, fc.integer({ min: 0, max: 128 })), 500);
  const texts = cases.map(([text]) => text);
  const bits = cases.map(([text, length]) => (text.includes(":") ? length : length % 33));
  const rows = await sqlAsOwner<{ text: string; bits: number; network: string; mapped: boolean }>(
    `select text, bits, network(set_masklen(text::inet, bits))::text as network,
       text::inet <<= '::ffff:0:0/96' as mapped
     from unnest($1::text[], $2::int[]) given (text, bits)`,
    [texts, bits],
  );
  const ours: [string, string | null][] = [];
  for (const { text, network, mapped } of rows) {
    if (mapped) continue;
    ours.push([text, canonicalAddress(text)], [network, canonicalRange(network)]);
  }
  const wrong = await sqlAsOwner(
    `select * from unnest($1::text[], $2::text[]) pair (given, ours)
     where ours is null or given::inet <> ours::inet`,
    [ours.map(([given]) => given), ours.map(([, one]) => one)],
  );
  expect(ours.length).toBeGreaterThan(500);
  expect(wrong).toEqual([]);
  for (const [, one] of ours) {
    expect((one!.includes("/") ? canonicalRange : canonicalAddress)(one!)).toBe(one);
  }
});
