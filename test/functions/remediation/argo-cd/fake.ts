import type { JobRow } from '../../../conformance/row.ts'
import { rowOf } from '../../ci-cd/argo-cd/fake.ts'

export const jobRow = {
  ...rowOf(
    () => 'rollback-1',
    ({ deploy }) => {
      for (const digit of ['a', 'b', 'c']) deploy(digit.repeat(40))
    },
  ),
  action: 'rollback',
  starts: /^POST .*\/rollback$/,
} satisfies JobRow
