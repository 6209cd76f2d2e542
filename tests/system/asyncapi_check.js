// Puts the document on standard input to AsyncAPI's own parser; prints what it finds fault with.
globalThis.self = globalThis; // the parser is packed for a browser

const Parser = require(process.argv[2]);
const text = require("node:fs").readFileSync(0, "utf-8");

const WORDS = ["error", "warning", "information", "hint"];

new Parser().validate(text).then((found) => {
  for (const one of found) {
    console.log(`${WORDS[one.severity]} ${one.code} at ${one.path.join("/")}: ${one.message}`);
  }
  console.log("parsed");
});
