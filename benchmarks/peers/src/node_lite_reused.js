import "./reusable.js";
import "./node_lite.js";
