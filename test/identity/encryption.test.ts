import { Keyring } from "../../src/identity/encryption";

const key = (id: string, byte: number) => ({ id, key: Buffer.alloc(32, byte) });
const SECRET = Buffer.from("nobody may read this");

describe("Keyring (T7)", () => {
  it("T7: opens what it sealed, which doesn't show", () => {
    const keyring = new Keyring([key("a", 1)]);
    const sealed = keyring.seal(SECRET, "authenticators aut_1");
    expect(sealed.keyId).toBe("a");
    expect(sealed.sealed.includes(SECRET)).toBe(false);
    expect(keyring.open(sealed, "authenticators aut_1").equals(SECRET)).toBe(true);
  });

  it("T7: seals the same secret otherwise each time", () => {
    const keyring = new Keyring([key("a", 1)]);
    const [one, two] = [keyring.seal(SECRET, "x"), keyring.seal(SECRET, "x")];
    expect(one.sealed.equals(two.sealed)).toBe(false);
  });

  it("T7: seals with the first key and opens with any", () => {
    const before = new Keyring([key("a", 1)]).seal(SECRET, "x");
    const rotated = new Keyring([key("b", 2), key("a", 1)]);
    expect(rotated.open(before, "x").equals(SECRET)).toBe(true);
    expect(rotated.seal(SECRET, "x").keyId).toBe("b");
    expect(() => new Keyring([key("b", 2)]).open(before, "x")).toThrow('"a" is not configured');
  });

  it("T7: opens nothing in another place, by another key of the name, or changed by a bit", () => {
    const keyring = new Keyring([key("a", 1)]);
    const { keyId, sealed } = keyring.seal(SECRET, "authenticators aut_1");
    expect(() => keyring.open({ keyId, sealed }, "authenticators aut_2")).toThrow();
    expect(() =>
      new Keyring([key("a", 9)]).open({ keyId, sealed }, "authenticators aut_1"),
    ).toThrow();
    for (const i of [0, 12, sealed.length - 17, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[i]! ^= 1;
      expect(() => keyring.open({ keyId, sealed: changed }, "authenticators aut_1")).toThrow();
    }
    for (const length of [0, 11, 12, 27]) {
      const cut = sealed.subarray(0, length);
      expect(() => keyring.open({ keyId, sealed: cut }, "authenticators aut_1")).toThrow();
    }
  });
});
