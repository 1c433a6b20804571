import type { ComponentChildren } from 'preact'

/** A column of a table. */
interface Column<Row> {
  /** The heading. Without one, the column only pictures others, and screen readers skip it. */
  name?: string
  /** On a phone, the cells of the other columns have their heading before them. */
  isTitle?: boolean
  class?: string
  nowrap?: boolean | ((row: Row) => boolean)
  cell: (row: Row) => ComponentChildren
}

interface Props<Row> {
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  /** Identifies a row, so that an open part stays open when rows are added. Defaults to its place. */
  keyOf?: (row: Row) => string
  class?: string
  /** Only screen readers get the headings. */
  hidesHead?: boolean
}

/** A table with one row for each thing. */
export function Table<Row>({ columns, rows, keyOf, hidesHead, ...rest }: Props<Row>) {
  return (
    <table {...rest}>
      <thead class={hidesHead ? 'visually-hidden' : ''}>
        <tr>
          {columns.map(({ name, class: style }) =>
            name === undefined ? (
              <td key={name} class={style} aria-hidden="true" />
            ) : (
              <th key={name} scope="col" class={style}>
                {name}
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={keyOf?.(row) ?? index}>
            {columns.map(({ name, isTitle, class: style = '', nowrap = false, cell }) => (
              <td
                key={name}
                data-name={isTitle ? undefined : name}
                class={(typeof nowrap === 'function' ? nowrap(row) : nowrap) ? `${style} nowrap` : style}
                aria-hidden={name === undefined || undefined}
              >
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
