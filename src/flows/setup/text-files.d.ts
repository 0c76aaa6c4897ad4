/** Files that the build carries along as text (build/bundle.ts). */
declare module '*.yml' {
  const text: string;
  export default text;
}
declare module '*.md' {
  const text: string;
  export default text;
}
declare module '*.txt' {
  const text: string;
  export default text;
}
