import { describe, expect, test } from '@jest/globals'
import { comparedCount, hasRelativeCriteria, readSloFile } from '../../../shared/evaluation/slo-file.ts'
import { expectFailure, failureOf } from '../../functions/helpers.ts'

/** The example of Keptn's documentation. @see https://keptn.sh/docs/1.0.x/define/slo/ */
const documented = `---
spec_version: '1.0'
filter:
comparison:
  compare_with: "single_result"
  include_result_with_score: "pass"
  aggregate_function: avg
objectives:
  - sli: response_time_p95
    displayName: "Response time P95"
    key_sli: false
    pass:             # pass if (relative change <= 10% AND absolute value is < 600ms)
      - criteria:
          - "<=+10%"
          - "<600"
    warning:          # if the response time is below 800ms, the result should be a warning
      - criteria:
          - "<=800"
    weight: 1
  - sli: throughput
total_score:
  pass: "90%"
  warning: "75%"
`

describe('readSloFile', () => {
  test("reads the example of Keptn's documentation", async () => {
    const file = await readSloFile(documented, 'input.sloFile')
    const relative = { text: '<=+10%', operator: '<=', value: 10, relative: 'percent' }
    expect(file).toEqual({
      spec_version: '1.0',
      comparison: {
        compare_with: 'single_result',
        include_result_with_score: 'pass',
        aggregate_function: 'avg',
        number_of_comparison_results: 3,
      },
      objectives: [
        {
          sli: 'response_time_p95',
          displayName: 'Response time P95',
          key_sli: false,
          weight: 1,
          pass: [{ criteria: [relative, { text: '<600', operator: '<', value: 600 }] }],
          warning: [{ criteria: [{ text: '<=800', operator: '<=', value: 800 }] }],
        },
        { sli: 'throughput', key_sli: false, weight: 1, pass: [], warning: [] },
      ],
      total_score: { pass: 90, warning: 75 },
    })
    expect(hasRelativeCriteria(file)).toBe(true)
  })

  test('accepts JSON, as text or as an object', async () => {
    const json = { objectives: [{ sli: 'a', pass: [{ criteria: ['<1'] }] }], total_score: { pass: 90 } }
    const file = await readSloFile(json, 'sloFile')
    expect(await readSloFile(JSON.stringify(json), 'sloFile')).toEqual(file)
    expect(hasRelativeCriteria(file)).toBe(false)
  })

  test.each([
    [undefined, 1],
    [{}, 3],
    [{ compare_with: 'single_result', number_of_comparison_results: 5 }, 1],
    [{ compare_with: 'several_results' }, 3],
    [{ compare_with: 'several_results', number_of_comparison_results: 5 }, 5],
  ])('compares %j with %d previous evaluations', async (comparison, count) => {
    const given = { objectives: [{ sli: 'a' }], total_score: { pass: '90%' }, ...(comparison ? { comparison } : {}) }
    expect(comparedCount((await readSloFile(given, 'sloFile')).comparison)).toBe(count)
  })

  const minimal = { objectives: [{ sli: 'a', pass: [{ criteria: ['<1'] }] }], total_score: { pass: '90%' } }
  const withPass = (criteria: string[]) => ({ ...minimal, objectives: [{ sli: 'a', pass: [{ criteria }] }] })
  test.each([
    ['objectives: [', 'input.sloFile is not valid YAML: '],
    ['just a text', 'input.sloFile must have objectives and a total_score'],
    ['', 'input.sloFile must have objectives'],
    [
      'map[objectives:[map[sli:a]] total_score:map[pass:90%]]',
      'input.sloFile must be a text: in a shipyard, write it as a text block (|)',
    ],
    [{ ...minimal, objectives: [] }, 'input.sloFile.objectives must '],
    [{ objectives: minimal.objectives }, 'input.sloFile.total_score is required'],
    [{ ...minimal, total_score: { pass: 'most' } }, 'sloFile.total_score.pass must be a percentage such as "90%"'],
    [{ ...minimal, total_score: { pass: '120%' } }, 'input.sloFile.total_score.pass must '],
    [withPass(['600']), 'objectives.0.pass.0.criteria.0 must be a criterion such as "<600"'],
    [withPass([]), 'objectives.0.pass.0.criteria must '],
    [{ ...minimal, objectives: [{ sli: 'a', weigth: 2 }] }, 'input.sloFile.objectives.0.weigth is not a known field'],
    [{ ...minimal, objectives: [{ sli: 'a', weight: 0 }] }, 'objectives.0.weight must '],
    [{ ...minimal, filter: { tag: 'x' } }, 'input.sloFile.filter is not supported: filter in the queries instead'],
    [{ ...minimal, comparison: { aggregate_function: 'max' } }, 'input.sloFile.comparison.aggregate_function must '],
  ])('rejects an invalid file with a fix: %j', async (given, says) => {
    await expectFailure(readSloFile(given, 'input.sloFile'), 'invalid', says)
  })

  const invalid = ['<', '<>5', '=>5', '< 5 6', '<1e3', '<five', '<--5', '5', '%', '']
  test.each(invalid)('rejects the criterion %j', async (text) => {
    expect((await failureOf(readSloFile(withPass([text]), 'f'))).message).toContain('must be a criterion')
  })

  test('rejects a file whose aliases expand without limit', async () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x, x]',
      ...'bcdefghi'.split('').map((name, at) => {
        const before = 'abcdefghi'[at]
        return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]`
      }),
    ].join('\n')
    expect((await failureOf(readSloFile(bomb, 'input.sloFile'))).message).toContain('is not valid YAML')
  })
})
