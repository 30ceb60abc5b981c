/**
 * Gives every method of a text back its fast way. The first class in a process that extends String, and ioredis has one, takes
 * String.prototype out of its fast form in V8: from then on compiled code looks each method up by its name, and `charCodeAt` in a loop
 * takes five times as long. Loads through an object that inherits from it bring the form back. Called once all modules are there.
 */
export function mendTextMethods(): void {
  const look = (text: string): unknown => text.at;
  for (let count = 0; count < 100; count++) look(Object("a") as string);
}
