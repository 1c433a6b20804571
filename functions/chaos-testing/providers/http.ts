import * as z from 'zod/mini'
import { defineJobProvider } from '../../../shared/providers/job.ts'
import { httpJob } from '../../../shared/vendors/http/job.ts'
import { allowed, refuseOutside } from '../blast-radius.ts'

/** Experiments of any API, which may run only what the connection allows. */
export const http = defineJobProvider({
  ...httpJob,
  noun: 'experiment',
  connection: z.extend(httpJob.connection, { allow: allowed('Experiments that may be run, as the input names them') }),

  checkStart(input, connection) {
    refuseOutside(connection.allow, input.target)
    httpJob.checkStart(input, connection)
  },
})
