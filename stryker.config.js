/** Changes the code that decides about writes and results, and two providers, and reports what no test notices: `npm run test:mutation`. */
export default {
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  testRunnerNodeArgs: ['--no-warnings'],
  coverageAnalysis: 'perTest',
  mutate: [
    'shared/core/{backoff,retried-step,run-action}.ts',
    'shared/core/task/{answer,cleanup,finisher,handler,poll,run-until-deadline}.ts',
    'functions/issue-ticketing/github/github.ts',
    'functions/chaos-testing/toxiproxy/toxiproxy.ts',
  ],
  // Texts are for people, and a mutant of an object is usually one of a text in a log line.
  mutator: { excludedMutations: ['StringLiteral', 'ObjectLiteral'] },
  ignoreStatic: true,
  // Node.js checks no types, and a test compares the documentation with a file.
  disableTypeChecks: false,
  jest: {
    configFile: 'jest.config.js',
    config: {
      testMatch: [
        '<rootDir>/test/lifecycle/*.test.ts',
        '<rootDir>/test/shared/core/**/*.test.ts',
        '<rootDir>/test/functions/issue-ticketing/github/github.test.ts',
        '<rootDir>/test/functions/chaos-testing/toxiproxy/toxiproxy.test.ts',
      ],
      reporters: [],
      // A mutant that waits forever must not take minutes.
      testTimeout: 10_000,
    },
  },
  // Stryker reads tsconfig.json with an API that TypeScript 7 does not have.
  ignorePatterns: ['/tsconfig*.json', '/dist*', '/cdk.out', '/.webhooks', '/screenshots'],
  tempDirName: '.stryker-tmp',
  concurrency: 2,
  // Each run leaves the threads of AWS's test runner.
  maxTestRunnerReuse: 10,
  timeoutMS: 10_000,
  reporters: ['clear-text'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
}
