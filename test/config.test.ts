import { readConfig } from "../src/config";

const PRODUCTION = {
  NODE_ENV: "production",
  DATABASE_URL: "postgres://db/gatehouse",
  GATEHOUSE_PUBLIC_URL: "https://id.example.com/",
};

it("reads production's settings", () => {
  expect(readConfig(PRODUCTION)).toMatchObject({
    production: true,
    demo: false,
    publicUrl: "https://id.example.com",
    port: 4000,
  });
});

it.each([
  ["DATABASE_URL", undefined],
  ["DATABASE_URL", "mysql://db"],
  ["GATEHOUSE_PUBLIC_URL", ""],
  ["GATEHOUSE_PUBLIC_URL", "http://id.example.com"],
  ["GATEHOUSE_PUBLIC_URL", "id.example.com"],
  ["GATEHOUSE_DEMO", "true"],
  ["GATEHOUSE_DEMO", "maybe"],
  ["PORT", "99999"],
  ["GATEHOUSE_TRUSTED_PROXIES", "010.0.0.1"],
  ["GATEHOUSE_LOG_LEVEL", "loud"],
  ["GATEHOUSE_MAX_COST", "0"],
])("refuses %s=%s in production, naming it", (name, value) => {
  expect(() => readConfig({ ...PRODUCTION, [name]: value })).toThrow(name);
});
