export function installPackages(folder: string, options?: { needsTools?: boolean }): Promise<void>
export function nodeIn(folder: string): string
