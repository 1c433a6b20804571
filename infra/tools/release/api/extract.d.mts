import type { ApiItem } from './page.ts'

export function extract(folder: string, declaration: string, name: string): { report: string; model: ApiItem }
