import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { authorizationWith } from '../../infra/local/cloud/index.ts'

/** The size of the searched data, and the leaks. */
export interface Search {
  bytes: number
  files: number
  /** Each place with the surrounding text, without the secret. */
  found: string[]
}

/** Searches every file below some folders, byte by byte, for pieces of secrets. */
export function searchFiles(folders: string[], markers: string[]): Search {
  const search: Search = { bytes: 0, files: 0, found: [] }
  for (const folder of folders.filter(existsSync)) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const file = join(entry.parentPath, entry.name)
      search.files += 1
      search.bytes += statSync(file).size
      for (const context of inFile(file, markers)) search.found.push(`${relative(folder, file)}: ${context}`)
    }
  }
  return search
}

/** Reads every text of a database, since a long one is in pieces in its file. */
export function searchDatabase(file: string, markers: string[]): string[] {
  const db = new DatabaseSync(file, { readOnly: true })
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[]
  const found = tables.flatMap(({ name }) => {
    const hits: string[] = []
    for (const row of db.prepare(`SELECT * FROM "${name}"`).iterate()) {
      for (const [column, value] of Object.entries(row as Record<string, unknown>)) {
        const text = String(value)
        for (const marker of markers) if (text.includes(marker)) hits.push(`${name}.${column}: ${around(text, marker)}`)
      }
    }
    return hits
  })
  db.close()
  return found
}

/** Every item of the table of the functions, through its API: its files are compressed. */
export async function searchTable(
  { dynamodb, accessKeyId }: { dynamodb: string; accessKeyId: string },
  table: string,
  markers: string[],
): Promise<Search> {
  const search: Search = { bytes: 0, files: 0, found: [] }
  let start: unknown
  do {
    const response = await fetch(dynamodb, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.Scan',
        'x-amz-date': '20250101T000000Z',
        authorization: authorizationWith({ accessKeyId }),
      },
      body: JSON.stringify({ TableName: table, ...(start ? { ExclusiveStartKey: start } : {}) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`The table ${table} could not be read: ${text}`)
    for (const marker of markers) if (text.includes(marker)) search.found.push(`${table}: ${around(text, marker)}`)
    const { Count: count, LastEvaluatedKey: last } = JSON.parse(text) as { Count: number; LastEvaluatedKey?: unknown }
    search.files += count
    search.bytes += text.length
    start = last
  } while (start)
  return search
}

function inFile(file: string, markers: string[]): string[] {
  const bytes = readFileSync(file)
  const found: string[] = []
  for (const marker of markers) {
    for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + marker.length))
      found.push(around(bytes.subarray(Math.max(0, at - 200), at + 200).toString('latin1'), marker))
  }
  return found
}

function around(text: string, marker: string): string {
  const at = text.indexOf(marker)
  const shown = text.slice(Math.max(0, at - 120), at + marker.length + 30).replaceAll(marker, '<SECRET>')
  return JSON.stringify(shown)
}
