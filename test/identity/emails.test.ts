import { emailOf, emailTyped } from "../../src/identity/emails";

it.each([
  [" Ada@Example.COM ", "ada@example.com"],
  ["user@exämple.com", "user@xn--exmple-cua.com"],
  ["user@XN--exmple-CUA.com", "user@xn--exmple-cua.com"],
  ["user@faß.de", "user@xn--fa-hia.de"],
  ["user@example。com", "user@example.com"],
  ["user@пример.рф", "user@xn--e1afmkfd.xn--p1ai"],
  ["a+b.c-d_e@sub.example.co.uk", "a+b.c-d_e@sub.example.co.uk"],
  [`${"a".repeat(64)}@example.com`, `${"a".repeat(64)}@example.com`],
])("U1: keeps %s as %s", (typed, kept) => {
  expect(emailOf(typed)).toBe(kept);
  expect(emailOf(kept)).toBe(kept);
  expect(emailTyped(typed)).toBe(kept);
});

it.each([
  "",
  "ada",
  "@example.com",
  "ada@",
  "ada@localhost",
  "ada@127.0.0.1",
  "ada@0x7f.1",
  "ada@1.2.3",
  "ada@[::1]",
  "ada@example.com/x",
  "ada@example.com:25",
  "ada@example.com?x",
  "ada@example.com#x",
  "ada@ex%61mple.com",
  "ada@ex ample.com",
  "ada@example..com",
  "ada@example.com.",
  "ada@-example.com",
  "ada@example-.com",
  "ada@xn--a",
  "ada@xn--\u0000.com",
  "ada@evil.com／example.com",
  "ada@b＠example.com",
  "a@b@example.com",
  "ädä@example.com",
  `${"a".repeat(65)}@example.com`,
  `ada@${"a".repeat(64)}.com`,
  `ada@${"ab.".repeat(90)}com`,
])("U1: takes %p for no address", (typed) => {
  expect(emailOf(typed)).toBeNull();
});

it("compares what is no address as it was typed, so that an old address still signs in", () => {
  expect(emailTyped(` ${"A".repeat(65)}@Example.com`)).toBe(`${"a".repeat(65)}@example.com`);
});
