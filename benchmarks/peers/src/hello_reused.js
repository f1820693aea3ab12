import "./reusable.js";
import "./hello.js";
