import ij.gui.Roi;
import ij.io.RoiDecoder;
import ij.process.FloatPolygon;
import java.io.FileInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Read zips as ImageJ's ROI Manager does, whose window needs a screen, and print each ROI. */
public class Rois {
    public static void main(String[] paths) throws Exception {
        for (String path : paths) {
            try (ZipInputStream zip = new ZipInputStream(new FileInputStream(path))) {
                for (ZipEntry entry; (entry = zip.getNextEntry()) != null; ) {
                    print(new RoiDecoder(zip.readAllBytes(), entry.getName()).getRoi());
                }
            }
        }
    }

    private static void print(Roi roi) {
        StringBuilder line = new StringBuilder(roi.getName());
        line.append("\t").append(roi.getTypeAsString());
        line.append("\t").append(roi.getCPosition()).append(" ").append(roi.getZPosition());
        line.append(" ").append(roi.getTPosition());
        line.append("\t").append(Integer.toHexString(roi.getStrokeColor().getRGB()));
        FloatPolygon points = roi.getFloatPolygon();
        for (int i = 0; i < points.npoints; i++) {
            line.append("\t").append(points.xpoints[i]).append(" ").append(points.ypoints[i]);
        }
        System.out.println(line);
    }
}
