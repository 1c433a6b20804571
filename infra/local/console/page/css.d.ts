/** The build bundles imported styles into one file. */
declare module '*.css'
