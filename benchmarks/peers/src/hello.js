// The smallest service there is: the floor of a JavaScript sandbox.
addEventListener("fetch", (event) => event.respondWith(new Response("hello")));
