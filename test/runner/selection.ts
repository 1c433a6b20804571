// Which test files each command runs: `npm test` a selection, `npm run test:all` every file.

/** Tests that run in one process: units, providers with their conformance suites, tasks under AWS's runner, and templates. */
const IN_ONE_PROCESS = [
  'conformance',
  'contract',
  'functions',
  'golden',
  'infra/aws',
  'lifecycle',
  'runner',
  'security',
  'shared',
  'templates',
]

/** The shipped bundles in a runtime: each way in, and the rules of a policy. */
const END_TO_END = ['agents', 'callers', 'interactive', 'policy', 'refusals', 'silent']

/** Files of these folders that take long, and notice little that no other file of them does. */
const EXHAUSTIVE = [
  'conformance/wrong-words',
  'golden/events',
  'golden/problems',
  'infra/aws/feature-flags',
  'infra/aws/nag',
  'infra/aws/permissions',
  'lifecycle/every-job',
  'lifecycle/start-under-kill',
  'security/hosts',
  'security/regular-expressions',
]

/** Test files with the folders and files that a pattern selects or excludes. The last pattern that matches a file decides. */
const SELECTED = [
  ...IN_ONE_PROCESS.map((folder) => `**/test/${folder}/**/*.test.ts`),
  ...END_TO_END.map((file) => `**/test/e2e/${file}.test.ts`),
  ...EXHAUSTIVE.map((file) => `!**/test/${file}.test.ts`),
]

export const ALL = ['**/*.test.ts']

/** The test files of `npm test`. */
export const USUAL = SELECTED

/** All others, which `.ci/run` runs afterwards. */
export const REST = [...ALL, ...SELECTED.map((pattern) => (pattern.startsWith('!') ? pattern.slice(1) : `!${pattern}`))]
