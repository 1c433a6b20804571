import * as z from 'zod/mini'
import { defineJobProvider } from '../../../shared/providers/job.ts'
import { httpJob } from '../../../shared/vendors/http/job.ts'
import { allowList, checkAllowed } from '../blast-radius.ts'

/** Experiments of any HTTP API, limited to those that the connection allows. */
export const http = defineJobProvider({
  ...httpJob,
  noun: 'experiment',
  connection: z.extend(httpJob.connection, { allow: allowList('Experiments that may run, as named in the input') }),

  checkStart(input, connection) {
    checkAllowed(connection.allow, input.target)
    httpJob.checkStart(input, connection)
  },
})
