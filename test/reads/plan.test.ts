import { raw, sql } from "../../src/database/sql";
import { isSame, Plan, source } from "../../src/reads/plan";

const one = source(() => 1);
const other = source(() => 2);

it("tells pieces apart by where their values come from", () => {
  expect(isSame(sql`a = ${one}`, sql`a = ${one}`)).toBe(true);
  expect(isSame(sql`a = ${one}`, sql`a = ${other}`)).toBe(false);
  expect(isSame(sql`a = ${one}`, sql`b = ${one}`)).toBe(false);
  expect(isSame(sql`a = any(${["x"]})`, sql`a = any(${["x"]})`)).toBe(true);
  expect(isSame(sql`a = any(${["x"]})`, sql`a = any(${["y"]})`)).toBe(false);
});

it("has one parameter for each source, and none of what a check refuses", () => {
  const whole = sql`select ${one}, ${other}, ${one}, ${"x"}${raw("")}`;
  const from = { args: new Map(), filters: new Map() } as never;
  const plan = new Plan(whole, []);
  expect([plan.text, plan.values(from)]).toEqual(["select $1, $2, $1, $3", [1, 2, "x"]]);
  expect(new Plan(whole, [() => false]).values(from)).toBeNull();
});
