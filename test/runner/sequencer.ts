import { createRequire } from 'node:module'
import { relative } from 'node:path'
import type * as JestSequencer from '@jest/test-sequencer'
import { slowFiles } from './slow-files.ts'

const require = createRequire(import.meta.url)
const { default: Sequencer }: typeof JestSequencer.default = require('@jest/test-sequencer')

type Test = Parameters<InstanceType<typeof Sequencer>['sort']>[0][number]

/** Starts the slow files first, so that none of them runs alone at the end. */
export default class SlowFilesFirst extends Sequencer {
  override async sort(tests: Test[]): Promise<Test[]> {
    const sorted = await super.sort(tests)
    return [...sorted.filter(isSlow), ...sorted.filter((test) => !isSlow(test))]
  }
}

function isSlow({ path, context }: Test): boolean {
  return Object.hasOwn(slowFiles, relative(context.config.rootDir, path))
}
