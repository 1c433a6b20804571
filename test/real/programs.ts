import type { Program } from './program.ts'

export const redmine: Program = {
  name: 'Redmine',
  script: 'redmine.sh',
  suite: 'redmine.test.ts',
}

export const unleash: Program = {
  name: 'Unleash',
  script: 'unleash.sh',
  suite: 'unleash.test.ts',
}
