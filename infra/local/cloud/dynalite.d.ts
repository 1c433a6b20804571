declare module 'dynalite' {
  import type { Server } from 'node:http'

  /** DynamoDB on LevelDB. Closing the server closes the database. */
  export default function dynalite(options: {
    /** Folder of the database. Defaults to memory. */
    path?: string
    /** Delays of table operations in milliseconds. Default to 500. */
    createTableMs?: number
    deleteTableMs?: number
    updateTableMs?: number
  }): Server
}
