declare module 'dynalite' {
  import type { Server } from 'node:http'

  /** A DynamoDB on LevelDB; closing the server closes its database. */
  export default function dynalite(options: {
    /** Folder of the LevelDB; in memory when left out. */
    path?: string
    /** How long a table stays in that state, in milliseconds; 500 when left out. */
    createTableMs?: number
    deleteTableMs?: number
    updateTableMs?: number
  }): Server
}
